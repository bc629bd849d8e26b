"""The description of the WebSocket's messages as AsyncAPI 3.0."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from notifier.web.documents.message_types import BY_CLIENT, BY_SERVER, CLOSE_CODES, Said
from notifier.web.documents.openapi import SCHEMAS, parameters_of
from notifier.web.documents.together import add_together
from notifier.web.endpoints.socket import SocketQuery

_ABOUT = """JSON text frames `{"type": …, "data": …}`. A client ignores types that it does not know. \
Delivery is at least once per device, in the order of the stream; a notification stays pending until a client marks it \
read, it expires, or it is no longer among the newest 100.

On connect come first what was cleared unread meanwhile, then what is unread, then the rest of the last 100, within \
each group oldest first; then `sync.complete`, then what is new."""


def describe_messages(version: str) -> dict[str, Any]:
    """The document."""
    kinds = [said.struct for said in (*BY_SERVER, *BY_CLIENT)]
    components = msgspec.json.schema_components(kinds, ref_template=SCHEMAS)[1]
    add_together(components, kinds)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "notifier: a user's inbox over WebSocket",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {"inbox": _channel()},
        "operations": {
            "push": _operation("send", "What the server says", BY_SERVER),
            "command": _operation("receive", "What a client may say", BY_CLIENT),
        },
        "components": {
            "schemas": components,
            "messages": {said.struct.__name__: _message(said) for said in (*BY_SERVER, *BY_CLIENT)},
        },
    }


def _channel() -> dict[str, Any]:
    fields = parameters_of(SocketQuery, "query")
    query = {field["name"]: field["schema"] | {"description": field.get("description", "")} for field in fields}
    required = [field["name"] for field in fields if field["required"]]
    names = [said.struct.__name__ for said in (*BY_SERVER, *BY_CLIENT)]
    codes = "\n".join(f"- {code}: {why}; {what}" for code, (why, what) in CLOSE_CODES.items())
    return {
        "address": "/ws",
        "title": "A user's inbox",
        "description": f"The server closes with one of\n\n{codes}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": query, "required": required},
                "bindingVersion": "0.1.0",
            }
        },
    }


def _operation(action: str, title: str, messages: Iterable[Said]) -> dict[str, Any]:
    return {
        "action": action,
        "title": title,
        "channel": {"$ref": "#/channels/inbox"},
        "messages": [{"$ref": f"#/channels/inbox/messages/{said.struct.__name__}"} for said in messages],
    }


def _message(said: Said) -> dict[str, Any]:
    value = msgspec.to_builtins(said.example)
    return {
        "name": value["type"],
        "title": value["type"],
        "summary": " ".join(str(said.struct.__doc__).split()),
        "contentType": "application/json",
        "payload": {"$ref": SCHEMAS.format(name=said.struct.__name__)},
        "examples": [{"payload": value}],
    }
