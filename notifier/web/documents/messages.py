"""The reference of the WebSocket's messages, made of their AsyncAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from html5tagger import HTML, E

from notifier.web.documents.guide import prose
from notifier.web.documents.schemas import code_block, fields_table, schema_section, type_of
from notifier.web.documents.shell import Heading, Page


def messages_page(document: Mapping[str, Any]) -> Page:
    """The page: the connection, what the server says, what a client may say, types."""
    channel = document["channels"]["inbox"]
    query = channel["bindings"]["ws"]["query"]
    page = E.h1("WebSocket").div(HTML(prose(document["info"]["description"])))
    page.p(E.a("asyncapi.json", href="root:asyncapi.json"), " · ", E.a("HTTP API", href="root:docs/api"))
    page.h2("The connection", id="connection").p(E.code(f"GET {channel['address']}"))
    page(fields_table((name, schema, name in query["required"]) for name, schema in query["properties"].items()))
    page.div(HTML(prose(channel["description"])))
    headings = [Heading("connection", "The connection")]
    for name, operation in document["operations"].items():
        headings.append(Heading(name, operation["title"]))
        page.h2(operation["title"], id=name)
        for reference in operation["messages"]:
            page(_message(document["components"]["messages"][reference["$ref"].rpartition("/")[2]]))
    page.h2("Types", id="types")
    for name, schema in document["components"]["schemas"].items():
        page(schema_section(name, schema))
    return Page("WebSocket", str(page), [*headings, Heading("types", "Types")])


def _message(message: Mapping[str, Any]) -> Any:
    part = E.h3(E.code(message["name"]), id=message["name"])
    part.p(message["summary"]).p("Type: ", type_of(message["payload"]))
    for example in message["examples"]:
        part(code_block(example["payload"]))
    return E.article(part)
