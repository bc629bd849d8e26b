"""Which pages may call: the own host's, and those that the operator allows."""

from __future__ import annotations

from urllib.parse import urlsplit

from sanic import HTTPResponse, Request

from notifier.errors import ErrorCode, NotifierError

ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, X-Idempotency-Key, X-Request-ID"
EXPOSED_HEADERS = "X-Request-ID, Idempotent-Replayed, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate"
ALLOWED_METHODS = "GET, POST, DELETE, OPTIONS"


class Origins:
    """The origins that are allowed beside the own host."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        """`allowed` holds origins such as `https://app.example`; `*` allows any."""
        self._any = "*" in allowed
        self._allowed = {origin.rstrip("/").lower() for origin in allowed}

    def allows(self, origin: str | None, host: str | None) -> bool:
        """Whether a page of that origin may call a server that was called as `host`; no origin is no page."""
        if origin is None or self._any or origin.lower() in self._allowed:
            return True
        return bool(host) and urlsplit(origin).netloc.lower() == str(host).lower()

    def check(self, request: Request) -> None:
        """Raises `NotifierError(forbidden)` when the request comes from a page that may not call."""
        if not self.allows(request.headers.get("origin"), request.headers.get("host")):
            raise NotifierError(ErrorCode.FORBIDDEN, "this origin is not allowed; see ALLOWED_ORIGINS")

    def add_headers(self, request: Request, response: HTTPResponse) -> None:
        """Lets an allowed page of another host read the answer (CORS)."""
        origin = request.headers.get("origin")
        if origin is None:
            return
        response.headers["Vary"] = "Origin"
        if self.allows(origin, request.headers.get("host")):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS

    def preflight(self, request: Request) -> HTTPResponse:
        """The answer to an OPTIONS request."""
        response = HTTPResponse(status=204)
        if request.headers.get("origin") and self.allows(request.headers["origin"], request.headers.get("host")):
            response.headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
            response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = "600"
        return response
