"""Members of a type that belong together, which a declaration of each alone cannot say: added to its schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args

from msgspec import Struct, structs


def add_together(components: dict[str, dict[str, Any]], kinds: Iterable[Any]) -> None:
    """Adds the `schema_together` of these types, and of all types within them, to their schemas."""
    for struct in _structs(kinds):
        components.get(struct.__name__, {}).update(getattr(struct, "schema_together", {}))


def _structs(kinds: Iterable[Any]) -> Iterator[type[Struct]]:
    """The structs among types and within them, each once."""
    todo, seen = list(kinds), set[Any]()
    while todo:
        kind = todo.pop()
        if isinstance(kind, type) and issubclass(kind, Struct) and kind not in seen:
            seen.add(kind)
            yield kind
            todo += [field.type for field in structs.fields(kind)]
        else:
            todo += get_args(kind)
