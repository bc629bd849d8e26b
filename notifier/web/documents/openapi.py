"""The description of the HTTP API as OpenAPI 3.1, made of the routes' types and examples in `api`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from notifier.web.documents.problems import (
    ANY_ROUTE,
    Problem,
    example_of,
    failures_of,
    needs_token,
    title_of,
)
from notifier.web.documents.together import add_together
from notifier.web.http.errors import PROBLEM_JSON
from notifier.web.http.route import JSON, Answer, Failure, Route

SCHEMAS = "#/components/schemas/{name}"
_ABOUT = """Notifications that reach a person, and are kept until they are read.

Every error is `application/problem+json`. Every answer carries `X-Request-ID`: the caller's own, if it sent one of \
1-128 letters, digits and `. _ : @ / + = -`. What needs a token does so with `AUTH_MODE=token` only; a scope `admin` \
includes the others. The WebSocket's messages are described in `/asyncapi.json`."""

# Headers of answers; those that every answer of a status must carry are marked so there.
HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "X-Request-ID": ("The id of this request, also in the server's log.", {"type": "string"}),
    "Retry-After": ("Seconds to wait before the next try.", {"type": "integer", "minimum": 0}),
    "RateLimit": ('What is left: `"notify";r=9;t=60`; with a rate limit only.', {"type": "string"}),
    "RateLimit-Policy": ('The limit: `"notify";q=10;w=60`; with a rate limit only.', {"type": "string"}),
    "Idempotent-Replayed": ("`true` where this is the first answer given again.", {"type": "string", "const": "true"}),
    "WWW-Authenticate": ("The scheme that is asked for (RFC 6750).", {"type": "string"}),
    "Sec-WebSocket-Version": ("The version that is spoken here.", {"type": "string", "const": "13"}),
    "Upgrade": ("`websocket`.", {"type": "string"}),
    "Connection": ("`Upgrade`.", {"type": "string"}),
    "Sec-WebSocket-Accept": ("The answer to the client's key (RFC 6455).", {"type": "string"}),
    "Sec-WebSocket-Protocol": (
        "`notifier.v1`, where the client offered it.",
        {"type": "string", "const": "notifier.v1"},
    ),
}
_ALWAYS = ("X-Request-ID",)
# Answers that are the same for every route, by their status.
SHARED = {"408": "RequestTimeout", "431": "HeadersTooLarge", "500": "InternalError"}


def describe(routes: Iterable[Route], version: str, guarded: bool) -> dict[str, Any]:
    """The document. `guarded` says whether this server asks for tokens; where it does not, they are optional."""
    routes = list(routes)
    bodies = _bodies(routes)
    references, components = msgspec.json.schema_components(list(bodies), ref_template=SCHEMAS)
    schemas = dict(zip(bodies, references, strict=True))
    add_together(components, bodies)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, guarded)
    tags = {route.tag.name: route.tag.description for route in routes}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "notifier",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": name, "description": text} for name, text in tags.items()],
        "paths": paths,
        "components": {
            "schemas": _typed(components),
            "headers": {name: _header(name) for name in HEADERS},
            "responses": {SHARED[status]: answer for status, answer in _shared(schemas).items()},
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key, the `ADMIN_TOKEN`, or a user's JWT; for `/ws` a device's token too.",
                }
            },
        },
    }


def _typed(schema: Any) -> Any:
    """A schema in which every `const` and `enum` of texts has its `type` beside it, for tools that make types of it."""
    if isinstance(schema, list):
        return [_typed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _typed(part) for name, part in schema.items()}
    values = found.get("enum", [found["const"]] if "const" in found else [])
    if isinstance(values, list) and values and "type" not in found and all(isinstance(value, str) for value in values):
        found["type"] = "string"
    return found


def parameters_of(struct: type[msgspec.Struct] | None, place: str) -> list[dict[str, Any]]:
    """The parameters that the fields of a struct stand for; `place` is `path`, `query` or `header`."""
    if struct is None:
        return []
    _, components = msgspec.json.schema_components([struct], ref_template=SCHEMAS)
    own = components[struct.__name__]
    return [_parameter(name, place, schema, name in own["required"]) for name, schema in own["properties"].items()]


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [_parameter(name, "path", msgspec.json.schema(kind), True) for name, kind in route.path_types.items()]


def _parameter(name: str, place: str, schema: dict[str, Any], required: bool) -> dict[str, Any]:
    schema = _typed({key: value for key, value in schema.items() if (key, value) != ("default", "")})
    found: dict[str, Any] = {"name": name, "in": place, "required": required or place == "path"}
    if text := schema.pop("description", ""):
        found["description"] = text
    return found | {"schema": schema}


def _bodies(routes: Iterable[Route]) -> list[Any]:
    """Every type that travels as JSON, each once."""
    found: dict[Any, None] = {}
    for route in routes:
        for body in (route.body, *(answer.body for answer in route.answers)):
            if body is not None:
                found[body] = None
    return [*found, Problem]


def _operation(route: Route, schemas: dict[Any, Any], guarded: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": route.name, "summary": route.summary, "tags": [route.tag.name]}
    scope = route.access.scope(route.method)
    owner = ", or the user's own token" if route.access.users else ""
    wants = f"Scope `{scope}`{owner}." if scope else "A user's token." if needs_token(route) else "Open to anybody."
    found["description"] = f"{route.description}\n\n{wants}".strip()
    bearer = {"bearer": [str(scope)] if scope else []}
    found["security"] = ([bearer] if guarded else [{}, bearer]) if needs_token(route) else []
    parameters = _path_parameters(route) + parameters_of(route.query, "query")
    if parameters := parameters + parameters_of(route.headers, "header"):
        found["parameters"] = parameters
    if route.body is not None:
        content = {"schema": schemas[route.body], "example": msgspec.to_builtins(route.body_example)}
        found["requestBody"] = {"required": True, "content": {JSON: content}}
    found["responses"] = _responses(route, schemas)
    return found


def _responses(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    found: dict[int, dict[str, Any]] = {}
    for answer in route.answers:
        _add_answer(found.setdefault(answer.status, _response(answer.description)), answer, schemas)
    for failure in failures_of(route):
        _add_failure(found, failure, schemas)
    shared = _shared(schemas)
    answers = {str(status): found[status] for status in sorted(found)}
    return {
        status: {"$ref": f"#/components/responses/{SHARED[status]}"} if shared.get(status) == answer else answer
        for status, answer in answers.items()
    }


def _shared(schemas: dict[Any, Any]) -> dict[str, Any]:
    found: dict[int, dict[str, Any]] = {}
    for failure in ANY_ROUTE:
        _add_failure(found, failure, schemas)
    return {str(status): answer for status, answer in found.items() if str(status) in SHARED}


def _add_failure(found: dict[int, dict[str, Any]], failure: Failure, schemas: dict[Any, Any]) -> None:
    status, headers, body = example_of(failure)
    response = found.setdefault(status, _response(title_of(status)))
    _add_headers(response, tuple(headers))
    content = response.setdefault("content", {}).setdefault(PROBLEM_JSON, {"schema": schemas[Problem], "examples": {}})
    content["examples"][f"{len(content['examples']) + 1}"] = {"summary": body["detail"], "value": body}


def _response(description: str) -> dict[str, Any]:
    return {"description": description, "headers": {name: _header_reference(name) for name in _ALWAYS}}


def _add_answer(response: dict[str, Any], answer: Answer, schemas: dict[Any, Any]) -> None:
    _add_headers(response, answer.headers)
    if answer.body is None:
        return
    content = {"schema": schemas[answer.body], "example": msgspec.to_builtins(answer.example)}
    response.setdefault("content", {})[answer.media] = content


def _add_headers(response: dict[str, Any], names: tuple[str, ...]) -> None:
    response["headers"].update({name: _header_reference(name) for name in names})


def _header(name: str) -> dict[str, Any]:
    description, schema = HEADERS[name]
    return {"description": description, "schema": schema} | ({"required": True} if name in _ALWAYS else {})


def _header_reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}
