"""Every document there is, by its path: rendered when it is first asked for, then kept."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from notifier.packaged.files import held
from notifier.web.documents.asyncapi import describe_messages
from notifier.web.documents.guide import Guide
from notifier.web.documents.messages import messages_page
from notifier.web.documents.openapi import describe
from notifier.web.documents.reference import reference_page
from notifier.web.documents.shell import LANGUAGES, Entry, Page, render
from notifier.web.endpoints.page import File
from notifier.web.http.route import Route

README = "README.md"  # of the repository, in Russian: it stands beside the guides, and is none
MAX_DEPTH = 4  # how far below the root a page may be asked for; each depth is kept apart, for its links


class Library:
    """The documents of one server."""

    def __init__(self, version: str, guarded: bool, routes: Sequence[Route]) -> None:
        """`guarded` with `AUTH_MODE=token`; `routes` are described."""
        self._routes = routes
        self._version = version
        self._guarded = guarded
        self._kept: dict[tuple[str, int], File] = {}
        self._guides = {language: _read_guides(language) for language in LANGUAGES}
        self._files = {f"docs/{path}": body for path, body in _docs().items() if not path.endswith(".md")}
        self._makers: dict[str, Callable[[], Page]] = {
            "docs/api": lambda: reference_page(self.openapi),
            "docs/websocket": lambda: messages_page(self.asyncapi),
        }
        for language, guides in self._guides.items():
            for guide in guides:
                self._makers.setdefault(_path(language, guide.name), guide.page)

    @cached_property
    def openapi(self) -> dict[str, Any]:
        """The description of the HTTP API."""
        return describe(self._routes, self._version, self._guarded)

    @cached_property
    def asyncapi(self) -> dict[str, Any]:
        """The description of the WebSocket's messages."""
        return describe_messages(self._version)

    @property
    def paths(self) -> set[str]:
        """The path of everything that is here."""
        return {*self._makers, *self._files, "openapi.json", "asyncapi.json"}

    def get(self, path: str, up: int) -> File | None:
        """The document at a path, for a browser that stands `up` folders below the root; None where there is none."""
        if path not in self.paths or up > MAX_DEPTH:
            return None
        key = (path, up if path in self._makers else 0)
        if key not in self._kept:
            with _tidily():
                self._kept[key] = self._make(path, up)
        return self._kept[key]

    def _make(self, path: str, up: int) -> File:
        if path in self._makers:
            return File.of("page.html", self._render(path, "../" * up or "./"))
        if path in self._files:
            return File.of(path, self._files[path])
        document = self.openapi if path == "openapi.json" else self.asyncapi
        return File.of(path, json.dumps(document, ensure_ascii=False).encode())

    def _render(self, path: str, root: str) -> bytes:
        page = self._makers[path]()
        language = "ru" if f"{path}/".startswith("docs/ru/") else "en"
        entries = [Entry(_path(language, guide.name), guide.title) for guide in self._guides[language]]
        others = {code: self._translation(path, language, code) for code in LANGUAGES}
        return render(page, path, root, language, entries, others, self._version)

    def _translation(self, path: str, language: str, wanted: str) -> str:
        """The same page in another language, else that language's first page."""
        if language == wanted:
            return path
        name = path.removeprefix("docs/ru" if language == "ru" else "docs").strip("/")
        return found if (found := _path(wanted, name)) in self._makers else _path(wanted, "")


@contextmanager
def _tidily() -> Iterator[None]:
    """Runs the garbage collector as often as Python does by default: what a page is built of refers to itself, and
    with the server's rare looks 65 MiB of it pile up for the reference, which the process then keeps."""
    with _ONE_AT_A_TIME:  # two would take each other's setting for the usual one
        usual = gc.get_threshold()
        gc.set_threshold(700, 10, 10)
        try:
            yield
        finally:
            gc.set_threshold(*usual)


_ONE_AT_A_TIME = threading.Lock()


def _path(language: str, name: str) -> str:
    folder = "docs" if language == "en" else f"docs/{language}"
    return f"{folder}/{name}" if name or language == "en" else folder


def _read_guides(language: str) -> list[Guide]:
    """The guides of a language: in the order in which its index names them, then the others by name."""
    folder = "" if language == "en" else f"{language}/"
    found = {
        name: Guide(name, language, body.decode())
        for path, body in _docs().items()
        if path.startswith(folder)
        and (own := path.removeprefix(folder)).endswith(".md")
        and "/" not in own
        and own != README
        and (name := own.removesuffix(".md").removeprefix("index")) is not None
    }
    order = [name for name in found[""].links if name in found] if "" in found else []
    return [found[name] for name in dict.fromkeys(["", *order, *sorted(found)]) if name in found]


def _docs() -> Mapping[str, bytes]:
    """The sources of the guides by their paths, with pictures and style sheets beside them."""
    return held("notifier.web", "docs")
