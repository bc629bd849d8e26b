"""Lua scripts as the server gets them: a script of `store/scripts/` and, of what it shares with others, what it uses.

A server runs the whole text at every call, so that each function and table before `main` is made anew each time: some
0.1 µs of Redis CPU apiece, with its garbage. Leaving out what a script does not use saves 2-5 µs a call.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator

from notifier.packaged.files import held
from notifier.store.keys import DELIVERY_LUA, Keys

OF_INBOXES = "states"  # a subject that has the library of inboxes, too
OF_DELIVERIES = ("delivery", "session")  # subjects whose keys share the slot of deliveries

_FUNCTION = re.compile(r"local function (\w+)")
_NAMES = re.compile(r"local (\w+(?:, \w+)*)")
_WORD = re.compile(r"\w+")


class Script:
    """A Lua script of `store/scripts/` behind the functions of others that it uses.

    `name` is subject and step, `delivery/lease`. All scripts share `common.lua`; those of a subject may share a library
    before them (`lib.lua`; `states` has that of `inbox` too) and an end of their own behind them (`end.lua`).
    """

    def __init__(self, name: str, keys: Keys) -> None:
        self.name = name
        self._keys = keys
        text = self._compose().encode()
        self.sha = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        self._packed = zlib.compress(text, 1)  # a server is sent it once, and the texts of all scripts take 0.4 MB

    @property
    def text(self) -> str:
        """The whole script, as a server loads it."""
        return zlib.decompress(self._packed).decode()

    def _compose(self) -> str:
        scripts = held("notifier.store", "scripts")
        subject, own = self.name.split("/")
        library = scripts["inbox/lib.lua"] if subject == OF_INBOXES else b""
        library += scripts.get(f"{subject}/lib.lua", b"")
        end = scripts.get(f"{subject}/end.lua", scripts["end.lua"])
        names = DELIVERY_LUA if subject in OF_DELIVERIES else self._keys.lua_prelude
        parts = (scripts["common.lua"], library, b"local function main()", scripts[f"{subject}/{own}.lua"], b"end", end)
        return without_unused("\n".join((names, *(part.decode() for part in parts))))


def without_unused(text: str) -> str:
    """The text of a script without comments, and without the local functions and values at its top level that nothing
    after them names. A block at the top level ends with a line that begins with `end` or `}`."""
    kept: list[str] = []
    used: set[str] = set()
    for statement in reversed(list(_statements(text))):
        names = _declared(statement)
        if names and used.isdisjoint(names):
            continue
        kept.append(statement)
        used.update(_WORD.findall(statement))
    return "\n".join(reversed(kept))


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
