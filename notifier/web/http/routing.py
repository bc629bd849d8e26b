"""HEAD (RFC 9110 §9.3.2), which what takes GET takes too; and methods of paths that begin with any word."""

from __future__ import annotations

import contextlib
from typing import Any

from sanic.exceptions import MethodNotAllowed, NotFound
from sanic.router import Router

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class HeadRouter(Router):
    """Routes HEAD as GET; sanic leaves the body of the answer out. The routes themselves know nothing of it."""

    def _get(self, path: str, method: str, host: str | None) -> tuple[Any, Any, dict[str, Any]]:
        if method != "HEAD":
            return self._found(path, method, host)
        found = self._found(path, "GET", host)
        # To GET, the answer has no end, or something is done, which HEAD must not do.
        if getattr(found[0].ctx, "streams", False) or getattr(found[0].ctx, "acts", False):
            raise MethodNotAllowed(f"Method HEAD not allowed for URL {path}", method="HEAD", allowed_methods=("GET",))
        return found

    def _found(self, path: str, method: str, host: str | None) -> tuple[Any, Any, dict[str, Any]]:
        try:
            return super()._get(path, method, host)
        except MethodNotAllowed:
            if self._takes_any(path, host):  # else every path would be there
                raise NotFound(f"Requested URL {path} not found") from None
            raise

    def _takes_any(self, path: str, host: str | None) -> bool:
        """True for a path that is there because any word may begin it."""
        for method in METHODS:
            with contextlib.suppress(MethodNotAllowed):
                return bool(getattr(super()._get(path, method, host)[0].ctx, "takes_any", False))
        return False
