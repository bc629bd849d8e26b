"""The page at `/` and its files. Read once at start: they are small, and nothing else of the disk can be asked for."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from mimetypes import guess_type

from sanic import Blueprint, HTTPResponse, Request

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


def page_door() -> Blueprint:
    """The routes of the page's files."""
    door = Blueprint("page")
    for item in files("notifier.web").joinpath("static").iterdir():
        if item.is_file():
            _serve(door, "/" if item.name == "index.html" else f"/{item.name}", item.name, item.read_bytes())
    return door


def _serve(door: Blueprint, path: str, name: str, body: bytes) -> None:
    kind = guess_type(name)[0] or "application/octet-stream"
    content_type = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = HEADERS | {"ETag": etag}

    async def send(request: Request) -> HTTPResponse:
        if request.headers.get("if-none-match") == etag:
            return HTTPResponse(status=304, headers=headers)
        return HTTPResponse(body, 200, headers, content_type)

    door.add_route(send, path, methods=["GET"], name=f"file_{name.replace('.', '_').replace('-', '_')}")
