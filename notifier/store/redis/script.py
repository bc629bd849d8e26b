"""Lua scripts as the server gets them: a script of `store/scripts/` and, of what it shares with others, what it uses.

A server runs the whole text at every call, so that each function and table before `main` is made anew each time: some
0.1 µs of Redis CPU apiece, with its garbage. Leaving out what a script does not use saves 2-5 µs a call.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from notifier.packaged.files import held
from notifier.store.keys import DELIVERY_LUA, Keys

OF_INBOXES = "states"  # a subject that has the library of inboxes, too
OF_DELIVERIES = ("delivery", "session")  # subjects whose keys share the slot of deliveries

_FUNCTION = re.compile(r"local function (\w+)")
_NAMES = re.compile(r"local (\w+(?:, \w+)*)")
_WORD = re.compile(r"\w+")


class Part(NamedTuple):
    """A statement at the top level of a script, the names that it declares, and all words in it."""

    text: str
    declares: list[str]
    words: frozenset[str]


class Script:
    """A Lua script of `store/scripts/` behind the functions of others that it uses.

    `name` is subject and step, `delivery/lease`. All scripts share `common.lua`; those of a subject may share a library
    before them (`lib.lua`; `states` has that of `inbox` too) and an end of their own behind them (`end.lua`).
    """

    def __init__(self, name: str, keys: Keys) -> None:
        self.name = name
        subject = name.partition("/")[0]
        self.sha, self._packed = _composed(name, DELIVERY_LUA if subject in OF_DELIVERIES else keys.lua_prelude)

    @property
    def text(self) -> str:
        """The whole script, as a server loads it."""
        return zlib.decompress(self._packed).decode()


@cache
def _composed(name: str, names: str) -> tuple[str, bytes]:
    """The SHA-1 of a script and its text, compressed: a server is sent it once, and all of them take 0.4 MB. `names`
    are the lines that spell the keys."""
    subject, own = name.split("/")
    libraries = ["common.lua", *(["inbox/lib.lua"] if subject == OF_INBOXES else []), f"{subject}/lib.lua"]
    before = [part for library in libraries for part in _library(library)]
    scripts = held("notifier.store", "scripts")
    end = scripts.get(f"{subject}/end.lua", scripts["end.lua"])
    main = b"\n".join((b"local function main()", scripts[f"{subject}/{own}.lua"], b"end", end))
    text = _without_unused([*_parts(names), *before, *_parts(main.decode())]).encode()
    return hashlib.sha1(text, usedforsecurity=False).hexdigest(), zlib.compress(text, 1)


def _library(path: str) -> list[Part]:
    """The statements of a library that scripts share; none where a subject has no library."""
    return _parts(held("notifier.store", "scripts").get(path, b"").decode())


def without_unused(text: str) -> str:
    """The text of a script without comments, and without the local functions and values at its top level that nothing
    after them names. A block at the top level ends with a line that begins with `end` or `}`."""
    return _without_unused(_parts(text))


def _without_unused(parts: list[Part]) -> str:
    kept: list[str] = []
    used: set[str] = set()
    for part in reversed(parts):
        if part.declares and used.isdisjoint(part.declares):
            continue
        kept.append(part.text)
        used |= part.words
    return "\n".join(reversed(kept))


def _parts(text: str) -> list[Part]:
    return [Part(found, _declared(found), frozenset(_WORD.findall(found))) for found in _statements(text)]


def _declared(statement: str) -> list[str]:
    function = _FUNCTION.match(statement)
    if function:
        return [function[1]]
    names = _NAMES.match(statement)
    return names[1].split(", ") if names else []


def _statements(text: str) -> Iterator[str]:
    """The statements of the top level without comments, each with the lines that belong to it."""
    lines: list[str] = []
    for whole in text.splitlines():
        line = whole.partition("-- ")[0].rstrip()
        if not line:
            continue
        if lines and line[0] not in " \t" and not line.startswith(("end", "}", "else")):
            yield "\n".join(lines)
            lines = []
        lines.append(line)
    if lines:
        yield "\n".join(lines)
