"""HEAD (RFC 9110 §9.3.2): what takes GET takes it too, and Sanic leaves the body of the answer out."""

from __future__ import annotations

from typing import Any

from sanic.exceptions import MethodNotAllowed
from sanic.router import Router


class HeadRouter(Router):
    """Routes HEAD as GET. The routes themselves know nothing of it."""

    def _get(self, path: str, method: str, host: str | None) -> tuple[Any, Any, dict[str, Any]]:
        if method != "HEAD":
            return super()._get(path, method, host)
        found = super()._get(path, "GET", host)
        if getattr(found[0].ctx, "streams", False):  # the answer to GET has no end
            raise MethodNotAllowed(f"Method HEAD not allowed for URL {path}", method="HEAD", allowed_methods=("GET",))
        return found
