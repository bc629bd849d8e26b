"""Imports the server's libraries without parts of theirs that it never calls: 6 MB less in every process.

Sanic brings a manager of processes, a WebSocket server, HTTP/3 and pages for errors, prometheus-client a web server.
While the libraries are imported, an empty module stands in place of each such part. Afterwards the real one may be
imported, as aiohttp does with `urllib.request`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

# What is imported, and what without. The server has processes, sockets and errors of its own.
SPARED = {
    "sanic": (
        *("sanic.asgi", "sanic.blueprint_group", "sanic.blueprints", "sanic.handlers.directory", "sanic.http.http3"),
        *("sanic.http.tls.creators", "sanic.pages.error", "sanic.server.protocols.websocket_protocol"),
        *("sanic.server.websockets.connection", "sanic.server.websockets.impl", "sanic.worker.inspector"),
        *("sanic.worker.loader", "sanic.worker.manager", "sanic.worker.multiplexer", "sanic.worker.reloader"),
        "sanic.worker.serve",
        *("aiofiles", "aiofiles.os", "email.utils", "logging.config", "mimetypes"),
        *("multiprocessing", "multiprocessing.context"),
    ),
    "prometheus_client": ("gzip", "http.server", "socketserver", "urllib.request", "wsgiref.simple_server"),
}
ABSENT = ("ujson",)  # Sanic does without where it is not installed


class Absent(Exception):
    """Base of the classes of empty modules; an exception, as libraries name some of them in `except` clauses."""

    def __init__(self, *_: object, **__: object) -> None:
        name = f"{type(self).__module__}.{type(self).__name__}"
        raise RuntimeError(f"{name} was left out of the server: see notifier/serving/libraries.py")


class Hollow(ModuleType):
    """An empty module: each name that is imported from it is a class of which nothing can be made."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []  # as of a package, whose modules may be imported

    def __getattr__(self, name: str) -> type[Absent]:
        if name.startswith("__"):
            raise AttributeError(name)
        absent = type(name, (Absent,), {"__module__": self.__name__})
        setattr(self, name, absent)
        return absent


def load() -> None:
    """Imports the libraries, before anything else does: what is loaded already stays whole."""
    for library, parts in SPARED.items():
        with without(parts):
            importlib.import_module(library)
    _load_html5tagger()


def _load_html5tagger() -> None:
    """Imports what renders guides. It asks for its version, in a file of the executable's unpacked folder, which may be
    gone when somebody first asks for a guide (packaged/files.py); the module that would read it takes 0.6 MB."""
    with without(("importlib.metadata",)) as empty:
        for module in empty:
            module.version = lambda name: ""
        importlib.import_module("html5tagger")


@contextmanager
def without(parts: tuple[str, ...]) -> Iterator[list[Any]]:
    """Puts empty modules in place of those that are not loaded yet, which it yields, and takes them out again."""
    put: dict[str, Any] = {name: Hollow(name) for name in parts} | dict.fromkeys(ABSENT)
    put = {name: module for name, module in put.items() if name not in sys.modules}
    sys.modules.update(put)
    try:
        yield [module for module in put.values() if module is not None]
    finally:
        for name in put:
            del sys.modules[name]
