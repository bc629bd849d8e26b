"""The page at `/` and its files. Read once at start: they are small, and nothing else of the disk can be asked for."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from sanic import HTTPResponse, Request, Sanic

from notifier.packaged.files import held
from notifier.web.http.negotiation import has_already
from notifier.web.http.route import OPEN

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


# The media types of our own files. The standard library's guess reads the machine's tables, which take 0.4 MB and may
# say something else.
KINDS = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "json": "application/json",
    "md": "text/markdown",
    "png": "image/png",
    "svg": "image/svg+xml",
}


class File(NamedTuple):
    """A file as browsers get it: bytes and headers."""

    body: bytes
    content_type: str
    headers: dict[str, str]

    @classmethod
    def of(cls, name: str, body: bytes) -> File:
        """A file of that name; its end says what kind it is."""
        kind = KINDS[name.rpartition(".")[2]]
        content_type = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
        return cls(body, content_type, HEADERS | {"ETag": f'"{hashlib.sha256(body).hexdigest()[:20]}"'})

    def answer(self, request: Request) -> HTTPResponse:
        """The answer to a request for it: 304 to a browser that has it."""
        if has_already(request, self.headers["ETag"]):
            return HTTPResponse(status=304, headers=self.headers)
        return HTTPResponse(self.body, 200, self.headers, self.content_type)


def serve_page(app: Sanic) -> None:
    """Adds a route for each of the page's files."""
    for name, body in held("notifier.web", "static").items():
        _serve(app, "/" if name == "index.html" else f"/{name}", File.of(name, body))


def _serve(app: Sanic, path: str, file: File) -> None:
    async def send(request: Request) -> HTTPResponse:
        return file.answer(request)

    name = path.strip("/").replace(".", "_").replace("-", "_") or "index_html"
    app.add_route(send, path, methods=["GET"], name=f"file_{name}", ctx_access=OPEN)
