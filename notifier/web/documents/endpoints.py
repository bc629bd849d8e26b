"""`/docs`, `/openapi.json` and `/asyncapi.json`, made when first asked for: most servers never are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sanic import HTTPResponse, Request

from notifier.errors import ErrorCode, NotifierError
from notifier.web.endpoints.fields import DOCUMENTS
from notifier.web.http.mount import Call
from notifier.web.http.route import OPEN, Answer, Endpoints, Route, get

if TYPE_CHECKING:
    from notifier.web.documents.library import Library

_OPENAPI = Answer(description="The document.", body=dict[str, Any], example={"openapi": "3.1.0"})
_ASYNCAPI = Answer(description="The document.", body=dict[str, Any], example={"asyncapi": "3.0.0"})


class DocumentEndpoints(Endpoints):
    """The routes of the documents."""

    tag, access = DOCUMENTS, OPEN

    def __init__(self, version: str, guarded: bool, others: Iterable[Endpoints]) -> None:
        """`guarded` with `AUTH_MODE=token`; `others` are described beside these."""
        routes = [route for group in (*others, self) for route in group.routes() if not route.hidden]
        self._shelf = Shelf(version, guarded, routes)

    @get("/openapi.json", "This description (OpenAPI 3.1)", answers=(_OPENAPI,))
    async def get_openapi(self, call: Call) -> HTTPResponse:
        return await self._shelf.answer(call.request, "openapi.json")

    @get("/asyncapi.json", "The messages of the WebSocket (AsyncAPI 3.0)", answers=(_ASYNCAPI,))
    async def get_asyncapi(self, call: Call) -> HTTPResponse:
        return await self._shelf.answer(call.request, "asyncapi.json")

    @get("/docs", "The guides", hidden=True)
    async def docs_index(self, call: Call) -> HTTPResponse:
        return await self._shelf.answer(call.request, "docs/")

    @get("/docs/<path:path>", "A guide", hidden=True)
    async def docs_page(self, call: Call, path: str) -> HTTPResponse:
        return await self._shelf.answer(call.request, f"docs/{path.rstrip('/')}")


class Shelf:
    """The library, once somebody has asked for it."""

    def __init__(self, version: str, guarded: bool, routes: Sequence[Route]) -> None:
        self._version = version
        self._guarded = guarded
        self._routes = routes
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
            self._library = Library(self._version, self._guarded, self._routes)
        return self._library
