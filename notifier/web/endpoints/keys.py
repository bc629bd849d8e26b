"""`/api/v1/admin/keys`: API keys, each shown once."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from notifier.domain.access import MAX_NAME, MAX_SCOPES, Scope, name_problem, ordered, scopes_problem
from notifier.domain.access import ApiKey as KnownKey
from notifier.domain.access import KeyRequest as WantedKey
from notifier.domain.reading import checked
from notifier.errors import ErrorCode, NotifierError
from notifier.service.access import Access
from notifier.web.endpoints.fields import ID, KEYS, TIME, Count, NextCursor, PageQuery, Time, Uuid
from notifier.web.http.audit import audit
from notifier.web.http.mount import Call
from notifier.web.http.route import ADMIN, Answer, Endpoints, Reply, delete, get, post

PATH = "/api/v1/admin/keys"
_NAME_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9 ._@+\-]*[A-Za-z0-9._@+\-])?$"

Name: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_NAME,
        extra_json_schema={"pattern": _NAME_PATTERN},
        extra=checked(name_problem),
    ),
]
Scopes: TypeAlias = Annotated[
    list[Scope], Meta(min_length=1, max_length=MAX_SCOPES, extra=checked(scopes_problem, ordered))
]


class KeyRequest(Struct, forbid_unknown_fields=True):
    """The key that is wanted."""

    name: Name
    scopes: Scopes


class ApiKey(Struct):
    """A key, without its secret."""

    id: Uuid
    name: Name
    scopes: list[Scope]
    created_at: Time


class NewApiKey(ApiKey):
    """A key with its secret, which is shown this once."""

    key: Annotated[str, Meta(description="For `Authorization: Bearer`.")]


class KeysPage(Struct, kw_only=True):
    """Keys, oldest first."""

    keys: list[ApiKey]
    total: Count
    next_cursor: NextCursor


_EXAMPLE = ApiKey(ID, "shop", [Scope.NOTIFY], TIME)
_SHOWN = "ntf_6d95bee8b6f84d74bf00a40b4d96e561_…"  # the form alone: this is nobody's key


class KeyEndpoints(Endpoints):
    """The routes of API keys."""

    tag, access = KEYS, ADMIN

    def __init__(self, access: Access) -> None:
        self._access = access

    @post(
        PATH,
        "Create an API key",
        example=KeyRequest("shop", [Scope.NOTIFY]),
        answers=(Answer(status=201, example=NewApiKey(ID, "shop", [Scope.NOTIFY], TIME, _SHOWN)),),
        failures=(NotifierError(ErrorCode.CONFLICT, "there are 1000 keys: revoke one first"),),
    )
    async def create_key(self, call: Call, body: KeyRequest) -> Reply[NewApiKey]:
        made, secret = await self._access.create_key(WantedKey(body.name, tuple(body.scopes)))
        audit(call, "key.create", made.id, key_name=made.name, scopes=list(made.scopes))
        key = NewApiKey(made.id, made.name, list(made.scopes), made.created_at, secret)
        return Reply(key, {"Cache-Control": "no-store"})

    @get(
        PATH,
        "List API keys",
        answers=(Answer(example=KeysPage(keys=[_EXAMPLE], total=1, next_cursor=None)),),
    )
    async def list_keys(self, call: Call, query: PageQuery) -> KeysPage:
        rows, total, cursor = await self._access.list_keys(query.cursor, query.limit)
        return KeysPage(keys=[_shown(row) for row in rows], total=total, next_cursor=cursor)

    @delete(
        f"{PATH}/{{key_id}}",
        "Revoke an API key",
        description="On the instance that answers it ends at once, on the others within five seconds.",
        answers=(Answer(status=204, description="It is revoked."),),
        failures=(NotifierError(ErrorCode.NOT_FOUND, "no such key"),),
    )
    async def revoke_key(self, call: Call, key_id: Annotated[str, Meta(description="The key's `id`.")]) -> None:
        await self._access.revoke_key(key_id)
        audit(call, "key.revoke", key_id)


def _shown(key: KnownKey) -> ApiKey:
    return ApiKey(key.id, key.name, list(key.scopes), key.created_at)
