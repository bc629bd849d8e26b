"""API keys, described."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from notifier.domain.access import MAX_NAME, Scope
from notifier.errors import ErrorCode, FieldError, NotifierError
from notifier.web.api.common import BAD_PAGE, ID, TIME, Count, NextCursor, PageQuery, Time, Uuid
from notifier.web.api.route import Answer, Route

KEYS = "/api/v1/admin/keys"
_NAME_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9 ._@+\-]*[A-Za-z0-9._@+\-])?$"
Name: Any = Annotated[str, Meta(min_length=1, max_length=MAX_NAME, extra_json_schema={"pattern": _NAME_PATTERN})]


class KeyRequest(Struct, forbid_unknown_fields=True):
    """The key that is wanted."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1)]


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


class KeyPath(Struct):
    """Names a key."""

    key_id: Annotated[str, Meta(description="The key's `id`.")]


_EXAMPLE = (ID, "shop", [Scope.NOTIFY], TIME)
_SHOWN = "ntf_6d95bee8b6f84d74bf00a40b4d96e561_…"  # the form alone: this is nobody's key

ROUTES = (
    Route(
        door="keys",
        method="POST",
        path=KEYS,
        name="create_key",
        summary="Create an API key",
        body=KeyRequest,
        example=KeyRequest("shop", [Scope.NOTIFY]),
        answers=(
            Answer(
                status=201, description=str(NewApiKey.__doc__), body=NewApiKey, example=NewApiKey(*_EXAMPLE, _SHOWN)
            ),
        ),
        failures=(
            NotifierError(
                ErrorCode.INVALID,
                "the key's description is not valid",
                [FieldError("scopes", "must be a list of notify, read, admin")],
            ),
            NotifierError(ErrorCode.CONFLICT, "there are 1000 keys: revoke one first"),
        ),
    ),
    Route(
        door="keys",
        method="GET",
        path=KEYS,
        name="list_keys",
        summary="List API keys",
        query=PageQuery,
        answers=(
            Answer(
                status=200,
                description=str(KeysPage.__doc__),
                body=KeysPage,
                example=KeysPage(keys=[ApiKey(*_EXAMPLE)], total=1, next_cursor=None),
            ),
        ),
        failures=BAD_PAGE,
    ),
    Route(
        door="keys",
        method="DELETE",
        path=f"{KEYS}/{{key_id}}",
        name="revoke_key",
        summary="Revoke an API key",
        description="On the pod that answers it ends at once, on the others within five seconds.",
        path_fields=KeyPath,
        answers=(Answer(status=204, description="It is revoked."),),
        failures=(NotifierError(ErrorCode.NOT_FOUND, "no such key"),),
    ),
)
