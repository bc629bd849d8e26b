"""`/api/v1/admin/keys`: API keys, each shown once."""

from __future__ import annotations

import msgspec
from sanic import Blueprint, HTTPResponse, Request

from notifier.domain.access import ApiKey, read_key_request
from notifier.service.access import Access
from notifier.web.audit import audit
from notifier.web.requests import Query, json_body, json_response

_encode = msgspec.json.Encoder().encode


def keys_door(access: Access) -> Blueprint:
    """The routes of API keys."""
    door = Blueprint("keys", url_prefix="/api/v1/admin")

    @door.post("/keys")
    async def create(request: Request) -> HTTPResponse:
        made, text = await access.create_key(read_key_request(json_body(request)))
        audit(request, "key.create", made.id, key_name=made.name, scopes=list(made.scopes))
        return json_response(_encode(_row(made) | {"key": text}), 201, {"Cache-Control": "no-store"})

    @door.get("/keys")
    async def keys(request: Request) -> HTTPResponse:
        query = Query(request, "limit cursor")
        limit, cursor = query.limit(), query.text("cursor")
        query.done()
        rows, total, next_cursor = await access.list_keys(cursor, limit)
        return json_response(_encode({"keys": list(map(_row, rows)), "total": total, "next_cursor": next_cursor}))

    @door.delete("/keys/<key_id:str>")
    async def revoke(request: Request, key_id: str) -> HTTPResponse:
        await access.revoke_key(key_id)
        audit(request, "key.revoke", key_id)
        return HTTPResponse(status=204)

    return door


def _row(key: ApiKey) -> dict[str, object]:
    return {"id": key.id, "name": key.name, "scopes": list(key.scopes), "created_at": key.created_at}
