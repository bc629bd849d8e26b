"""The reference of the HTTP API, made of its OpenAPI document."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from html5tagger import HTML, E

from notifier.web.documents.guide import prose
from notifier.web.documents.openapi import SHARED
from notifier.web.documents.schemas import code_block, fields_table, schema_section, type_of
from notifier.web.documents.shell import Heading, Page

Operation = tuple[str, str, Mapping[str, Any]]  # method, path, and what the document says of it


def reference_page(document: Mapping[str, Any]) -> Page:
    """The page: operations by their tags, then types. It can be searched with the script, and read without."""
    tags = [tag["name"] for tag in document["tags"]]
    headings = [Heading(_slug(tag), tag) for tag in tags]
    headings += [Heading("any-route", "Any route"), Heading("types", "Types")]
    page = E.h1("HTTP API").div(HTML(prose(document["info"]["description"])))
    page.p(E.a("openapi.json", href="root:openapi.json"), " · ", E.a("WebSocket", href="root:docs/websocket"))
    page.input_(type="search", id="search", placeholder="Search operations and types", aria_label="Search", hidden=True)
    page.p("Nothing found.", id="nothing", role="status", hidden=True)
    for tag in document["tags"]:
        page(_tag_section(tag, [item for item in _operations(document) if tag["name"] in item[2]["tags"]], document))
    page(_any_route(document))
    types = [
        _searchable(schema_section(name, schema), name) for name, schema in document["components"]["schemas"].items()
    ]
    return Page("HTTP API", str(page(E.section(E.h2("Types", id="types"), *types))), headings)


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _tag_section(tag: Mapping[str, str], operations: list[Operation], document: Mapping[str, Any]) -> Any:
    parts = [
        _searchable(_operation(item, document), f"{item[0]} {item[1]} {item[2]['summary']}") for item in operations
    ]
    return E.section(E.h2(tag["name"], id=_slug(tag["name"])), E.p(tag["description"]), *parts)


def _searchable(content: Any, words: str) -> Any:
    return E.article(content, data_search=words.lower())


def _operation(item: Operation, document: Mapping[str, Any]) -> Any:
    method, path, operation = item
    title = E.span(method, class_="method", data_method=method.lower())(" ").code(path)
    part = E.h3(E.a(title, href=f"#{operation['operationId']}"), id=operation["operationId"])
    part.p(operation["summary"], class_="summary").div(HTML(prose(operation["description"])))
    if parameters := operation.get("parameters"):
        part.h4("Parameters")(fields_table(_parameter(parameter) for parameter in parameters))
    if body := operation.get("requestBody"):
        content = body["content"]["application/json"]
        part.h4("Body").p(type_of(content["schema"]))
    part.h4("Example")(code_block(_curl(item)))
    part.h4("Answers")
    for status, response in operation["responses"].items():
        if "$ref" not in response:
            part(_answer(status, response, document))
    return part.p(E.a("What any route may answer", href="#any-route"))


def _any_route(document: Mapping[str, Any]) -> Any:
    statuses = {name: status for status, name in SHARED.items()}
    answers = [
        _answer(statuses[name], answer, document) for name, answer in document["components"]["responses"].items()
    ]
    return E.section(E.h2("Any route", id="any-route"), *answers)


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, Mapping[str, Any], bool]:
    place = {"path": "In the path.", "query": "", "header": "A header."}[parameter["in"]]
    words = f"{place} {parameter.get('description', '')}".strip()
    return parameter["name"], {**parameter["schema"], "description": words}, parameter["required"]


def _answer(status: str, response: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    is_good = status < "400"
    part = E.summary(E.span(status, class_="status", data_good=is_good)(f" {response['description']}"))
    known = document["components"]["headers"]
    names = [name for name in response["headers"] if name != "X-Request-ID"]
    if names:
        part.ul(*[E.li(E.code(name), HTML(prose(known[name]["description"]))) for name in names], class_="headers")
    for media, content in response.get("content", {}).items():
        part.p(E.code(media), " ", type_of(content["schema"]))
        for value in _examples(content):
            part(code_block(value))
    return E.details(part, open=is_good and "content" in response)


def _examples(content: Mapping[str, Any]) -> list[Any]:
    return [item["value"] for item in content.get("examples", {}).values()] or [content["example"]]


def _curl(item: Operation) -> str:
    """The call as one types it."""
    method, path, operation = item
    query = []
    for parameter in operation.get("parameters", ()):
        example = next(iter(parameter["schema"].get("examples", ())), "…")
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(example))
        elif parameter["in"] == "query" and parameter["required"]:
            query.append(f"{parameter['name']}={example}")
    url = f"http://localhost:8080{path}" + (f"?{'&'.join(query)}" if query else "")
    words = ["curl", *(() if method in ("GET", "POST") else ("-X", method)), shlex.quote(url) if query else url]
    if operation.get("security"):
        words += ["\\\n ", '-H "Authorization: Bearer $NOTIFIER_TOKEN"']
    if body := operation.get("requestBody"):
        example = json.dumps(body["content"]["application/json"]["example"], ensure_ascii=False)
        words += ["\\\n ", "--json", shlex.quote(example)]
    return " ".join(words)


def _slug(text: str) -> str:
    return text.lower().replace(" ", "-")
