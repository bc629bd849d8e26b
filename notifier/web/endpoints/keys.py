"""`/api/v1/admin/keys`: API keys, each shown once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from notifier.domain.access import MAX_NAME, MAX_SCOPES, Scope, name_problem, ordered, scopes_problem
from notifier.domain.access import ApiKey as KnownKey
from notifier.domain.access import KeyRequest as WantedKey
from notifier.domain.doors import (
    DOORS,
    MAX_SECRET,
    MAX_TO,
    DoorTerms,
    rate_problem,
    rate_text,
    read_rate,
    to_problem,
    users_of,
)
from notifier.domain.fields import Category, Moment, one_of, text
from notifier.domain.reading import checked
from notifier.domain.times import format_time, parse_time
from notifier.errors import ErrorCode, FieldError, NotifierError
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


To: TypeAlias = Annotated[
    list[Annotated[str, Meta(extra_json_schema={"pattern": r"^[1-9][0-9]{0,14}-[A-Za-z0-9_.@+\-]{1,128}$"})]],
    Meta(
        min_length=1,
        max_length=MAX_TO,
        description="Who gets what comes by the key: users such as `1-alice`.",
        extra=checked(to_problem),
    ),
]
Rate: TypeAlias = Annotated[
    str,
    Meta(
        description="A limit on what comes by the key: `60/1m`, within a day at most.",
        examples=["60/1m"],
        extra_json_schema={"pattern": "^[1-9][0-9]{0,6}/[1-9]?[smh]$"},
        extra=checked(rate_problem),
    ),
]
OF_DOORS = ("to", "category", "rate", "secret")


class KeyRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """The key that is wanted: with `scopes` for this API, or with `door` and `to` for another program's protocol."""

    name: Name
    scopes: Scopes | UnsetType = UNSET
    door: one_of(DOORS, "The protocol that the key opens.") | UnsetType = UNSET  # type: ignore[valid-type]
    to: To | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    rate: Rate | UnsetType = UNSET
    expires_at: (
        Annotated[Moment, Meta(description="The key's end, yet to come.", examples=["2100-01-01T00:00:00Z"])]
        | UnsetType
    ) = UNSET
    secret: text(8, MAX_SECRET, "What the sender's signatures are made with; never shown.") | UnsetType = UNSET  # type: ignore[valid-type]

    schema_together: ClassVar[dict[str, Any]] = {
        "oneOf": [
            {"required": ["scopes"], "not": {"anyOf": [{"required": [name]} for name in ("door", *OF_DOORS)]}},
            {"required": ["door", "to"], "not": {"anyOf": [{"required": [name]} for name in ("scopes", "secret")]}},
            {
                "required": ["door", "to", "secret"],
                "properties": {"door": {"type": "string", "const": "hooks"}},
                "not": {"required": ["scopes"]},
            },
        ]
    }

    @staticmethod
    def problems_together(values: Mapping[str, Any]) -> Iterator[FieldError]:
        """Neither scopes nor a door, both, or a door that leads to nobody."""
        if "door" not in values:
            yield from () if "scopes" in values else (FieldError("scopes", "is required"),)
            yield from (FieldError(name, "needs a door") for name in OF_DOORS if name in values)
        elif "scopes" in values:
            yield FieldError("scopes", "a door's key has none")
        elif "to" not in values:
            yield FieldError("to", "is required")
        if "secret" in values and values.get("door", "hooks") != "hooks":
            yield FieldError("secret", "is for the door hooks")

    def terms(self) -> DoorTerms | None:
        """The terms of a door's key; None where it is none."""
        if self.door is UNSET:
            return None
        to = users_of(self.to) if self.to is not UNSET else ()
        rate = read_rate(self.rate) if self.rate else None
        return DoorTerms(str(self.door), to, self.category or "", rate, str(self.secret or ""))


class ApiKey(Struct, kw_only=True):
    """A key, without its secret."""

    id: Uuid
    name: Name
    scopes: list[Scope]
    created_at: Time
    expires_at: Time | UnsetType = UNSET
    door: str | UnsetType = UNSET
    to: list[str] | UnsetType = UNSET
    category: str | UnsetType = UNSET
    rate: str | UnsetType = UNSET


class NewApiKey(ApiKey, kw_only=True):
    """A key with its secret, which is shown this once."""

    key: Annotated[str, Meta(description="For `Authorization: Bearer`, or where the door's clients put a token.")]


class KeysPage(Struct, kw_only=True):
    """Keys, oldest first."""

    keys: list[ApiKey]
    total: Count
    next_cursor: NextCursor


_EXAMPLE = ApiKey(id=ID, name="shop", scopes=[Scope.NOTIFY], created_at=TIME)
_SHOWN = "ntf_6d95bee8b6f84d74bf00a40b4d96e561_…"  # the form alone: this is nobody's key


_NEW = NewApiKey(id=ID, name="shop", scopes=[Scope.NOTIFY], created_at=TIME, key=_SHOWN)


class KeyEndpoints(Endpoints):
    """The routes of API keys."""

    tag, access = KEYS, ADMIN

    def __init__(self, access: Access, now: Callable[[], float]) -> None:
        """`now` is Redis' time in Unix seconds."""
        self._access = access
        self._now = now

    @post(
        PATH,
        "Create an API key",
        description="A door's key opens one of the other programs' protocols, reaches the users named by `to` alone, "
        "and opens nothing else.",
        example=KeyRequest(name="shop", scopes=[Scope.NOTIFY]),
        answers=(Answer(status=201, example=_NEW),),
        failures=(NotifierError(ErrorCode.CONFLICT, "there are 1000 keys: revoke one first"),),
    )
    async def create_key(self, call: Call, body: KeyRequest) -> Reply[NewApiKey]:
        scopes = tuple(body.scopes) if body.scopes is not UNSET else ()
        wanted = WantedKey(body.name, scopes, self._end(body.expires_at), body.terms())
        made, secret = await self._access.create_key(wanted)
        door = {"door": made.door.door} if made.door else {}
        audit(call, "key.create", made.id, key_name=made.name, scopes=list(made.scopes), **door)
        return Reply(NewApiKey(key=secret, **asdict(_shown(made))), {"Cache-Control": "no-store"})

    def _end(self, expires_at: str | UnsetType) -> float | None:
        if expires_at is UNSET:
            return None
        end = parse_time(str(expires_at))
        if end <= self._now():
            raise NotifierError(
                ErrorCode.INVALID, "1 field is not valid", [FieldError("expires_at", "must be yet to come")]
            )
        return end

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
    shown = ApiKey(id=key.id, name=key.name, scopes=list(key.scopes), created_at=key.created_at)
    if key.expires_at is not None:
        shown.expires_at = format_time(key.expires_at)
    if key.door is not None:
        shown.door, shown.to = key.door.door, [user.key for user in key.door.to]
        shown.category = key.door.category or UNSET
        shown.rate = rate_text(key.door.rate) if key.door.rate else UNSET
    return shown
