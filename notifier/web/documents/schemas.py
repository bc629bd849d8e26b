"""JSON Schema as tables that people can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from html5tagger import HTML, E

from notifier.web.documents.guide import prose

Schema = Mapping[str, Any]
_BOUNDS = (("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " of them"))


def code_block(value: object) -> Any:
    """An example: JSON, or a text as it is."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return E.pre(E.code(text))


def schema_section(name: str, schema: Schema) -> Any:
    """A type of its own: what it is, and its fields."""
    section = E.h3(E.code(name), id=anchor(name))
    if "description" in schema:
        section.div(HTML(prose(schema["description"])))
    if "properties" not in schema:
        return section.p(type_of(schema))
    required = schema.get("required", ())
    return section(fields_table((field, inner, field in required) for field, inner in schema["properties"].items()))


def fields_table(fields: Any) -> Any:
    """A table of (name, schema, whether it is required)."""
    head = E.thead(E.tr(E.th("Name"), E.th("Type"), E.th("Description")))
    rows = [
        E.tr(
            E.td(E.code(name), E.span(" required", class_="required") if required else None),
            E.td(type_of(schema)),
            E.td(HTML(prose(_words_on(schema)))),
        )
        for name, schema, required in fields
    ]
    return E.div(E.table(head, E.tbody(*rows)), class_="wide-table")


def anchor(name: str) -> str:
    """The id of a type's section."""
    return f"schema-{name}"


def type_of(schema: Schema) -> Any:
    """A type in a few words; one that has a section of its own as a link to it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return E.a(name, href=f"#{anchor(name)}")
    if "anyOf" in schema and "type" not in schema:
        return _joined([type_of(choice) for choice in schema["anyOf"]], " or ")
    if "const" in schema or "enum" in schema:
        return _joined([E.code(json.dumps(value)) for value in schema.get("enum", [schema.get("const")])], ", ")
    if schema.get("type") == "array":
        return E("list of ")(type_of(schema.get("items", {})))(_bounds(schema))
    if isinstance(values := schema.get("additionalProperties"), Mapping):
        return E("object of ")(type_of(values))
    return E(str(schema.get("type", "any")))(_bounds(schema))


def _bounds(schema: Schema) -> str:
    parts = [schema["format"]] if "format" in schema else []
    for low, high, unit in _BOUNDS:
        least, most = schema.get(low), schema.get(high)
        if least is not None and most is not None:
            parts.append(f"{least:,.0f} – {most:,.0f}{unit}")
        elif least is not None or most is not None:
            parts.append(f"{'≥' if most is None else '≤'} {least if most is None else most:,.0f}{unit}")
    return f" ({', '.join(parts)})" if parts else ""


def _words_on(schema: Schema) -> str:
    own = [str(schema["description"])] if "description" in schema else []
    own += [str(choice["description"]) for choice in schema.get("anyOf", ()) if "description" in choice]
    default = schema.get("default")
    return " ".join(own) + (f" Default `{json.dumps(default)}`." if default not in (None, "", [], {}) else "")


def _joined(parts: list[Any], between: str) -> Any:
    whole = E(parts[0])
    for part in parts[1:]:
        whole(between)(part)
    return whole
