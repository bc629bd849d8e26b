"""`/docs`, `/openapi.json` and `/asyncapi.json`, made when first asked for: most servers never are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sanic import Blueprint, HTTPResponse, Request

from notifier.errors import ErrorCode, NotifierError

if TYPE_CHECKING:
    from notifier.web.documents.library import Library


def documents_door(version: str, guarded: bool) -> Blueprint:
    """The routes of the documents; `guarded` says whether this server asks for tokens."""
    door = Blueprint("docs")
    shelf = Shelf(version, guarded)

    @door.get("/openapi.json")
    async def openapi(request: Request) -> HTTPResponse:
        return await shelf.answer(request, "openapi.json")

    @door.get("/asyncapi.json")
    async def asyncapi(request: Request) -> HTTPResponse:
        return await shelf.answer(request, "asyncapi.json")

    @door.get("/docs")
    async def index(request: Request) -> HTTPResponse:
        return await shelf.answer(request, "docs/")

    @door.get("/docs/<path:path>")
    async def document(request: Request, path: str) -> HTTPResponse:
        return await shelf.answer(request, f"docs/{unquote(path).rstrip('/')}")

    return door


class Shelf:
    """The library, once somebody has asked for it."""

    def __init__(self, version: str, guarded: bool) -> None:
        self._version = version
        self._guarded = guarded
        self._library: Library | None = None

    async def answer(self, request: Request, path: str) -> HTTPResponse:
        """The answer to a request for a document; raises `NotifierError(not_found)`."""
        up = request.path.count("/") - 1
        # In a thread: the first one takes a good part of a second, which nobody's notification is to wait for.
        file = await asyncio.to_thread(lambda: self._open().get(path, up))
        if file is None:
            raise NotifierError(ErrorCode.NOT_FOUND, "there is nothing at this path")
        return file.answer(request)

    def _open(self) -> Library:
        from notifier.web.documents.library import Library  # loaded with what renders it, when it is wanted

        if self._library is None:
            self._library = Library(self._version, self._guarded)
        return self._library
