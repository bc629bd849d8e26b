"""The guard against pages: under which names the server is called, and which pages may call it. Contract §10.

A browser sends what a page of any origin tells it to, and joins a name that now leads to this machine to the page that
was loaded under it (DNS rebinding). Both are seen by the headers that browsers alone set: `Host`, `Origin` and
`Sec-Fetch-Site`.
"""

from __future__ import annotations

from sanic import HTTPResponse, Request

from notifier.domain.origins import DEFAULT_PORTS, Host, Origin, is_loopback, parse_host, parse_origin
from notifier.errors import ErrorCode, NotifierError

ALLOWED_HEADERS = "Authorization, Content-Type, Idempotency-Key, X-Idempotency-Key, X-Request-ID"
EXPOSED_HEADERS = "X-Request-ID, Idempotent-Replayed, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate"
ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
SAFE = ("GET", "HEAD", "OPTIONS")


class Origins:
    """The origins that are allowed beside the own host, and the hosts that are the own one."""

    def __init__(self, allowed: tuple[str, ...], loopback_only: bool = False) -> None:
        """`allowed` holds origins such as `https://app.example`; `*` allows any. With `loopback_only` the server is
        called by names of this machine, and by the hosts of `allowed`."""
        self._any = "*" in allowed
        self._allowed = {origin for text in allowed if (origin := parse_origin(text)) is not None}
        self._hosts = {origin.name for origin in self._allowed}
        self._loopback_only = loopback_only and not self._any

    def serves(self, host: str | None) -> bool:
        """True where the server may be called by this `Host`; no browser sends none."""
        if not self._loopback_only or host is None:
            return True
        called = parse_host(host)
        return called is not None and (is_loopback(called.name) or called.name in self._hosts)

    def allows(self, request: Request) -> bool:
        """True where the `Origin` of a request is allowed; none is sent where no page makes it."""
        given = request.headers.getall("origin", [])
        if self._any and len(given) < 2:
            return True
        cross_site = "cross-site" in request.headers.getall("sec-fetch-site", [])
        if not given:
            return not cross_site
        origin = parse_origin(given[0]) if len(given) == 1 else None
        if origin is None:
            return False
        # The browser knows the scheme with which this host was called, which behind a proxy is not known here.
        return origin in self._allowed or (not cross_site and _is_own(origin, request))

    def check(self, request: Request) -> None:
        """Raises `NotifierError` (`misdirected`, `forbidden`) when the request may be a foreign page's."""
        for host in (*request.headers.getall("host", []), *_host_in_target(request)):
            if not self.serves(host):
                raise misdirected(host)
        if _takes_or_acts(request) and not self.allows(request):
            raise foreign(request.headers.get("origin", ""))

    def add_headers(self, request: Request, response: HTTPResponse) -> None:
        """Adds the headers of CORS for an allowed page of another host, and `Vary` for caches."""
        add_vary(response, "Origin")
        if "origin" in request.headers and self.allows(request):
            response.headers["Access-Control-Allow-Origin"] = request.headers["origin"]
            response.headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS

    def preflight(self, request: Request) -> HTTPResponse:
        """The answer to an OPTIONS request."""
        response = HTTPResponse(status=204)
        if "origin" in request.headers and self.allows(request):
            response.headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
            response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = "600"
        return response


def misdirected(host: str) -> NotifierError:
    """The error of a request that calls this server by a name that is not its own."""
    called = parse_host(host)
    cure = f"add https://{called.name} to ALLOWED_ORIGINS" if called else "name its origin in ALLOWED_ORIGINS"
    return NotifierError(
        ErrorCode.MISDIRECTED,
        "while AUTH_MODE=none, this server answers to localhost and other loopback names only: "
        f"call it by one, {cure}, or set AUTH_MODE=token",
    )


def foreign(given: str) -> NotifierError:
    """The error of a request that another origin's page makes."""
    origin = parse_origin(given)
    cure = f"add {origin} to ALLOWED_ORIGINS" if origin else "see ALLOWED_ORIGINS"
    return NotifierError(ErrorCode.FORBIDDEN, f"pages of this origin are not allowed: {cure}")


def add_vary(response: HTTPResponse, name: str) -> None:
    """Adds a header of the request, on which the answer depends, to `Vary`."""
    known = response.headers.get("vary")
    response.headers["Vary"] = name if known is None else f"{known}, {name}"


def _takes_or_acts(request: Request) -> bool:
    if request.method not in SAFE or "upgrade" in request.headers:
        return True
    ctx = None if request.route is None else request.route.ctx
    return bool(getattr(ctx, "streams", False) or getattr(ctx, "acts", False))


def _is_own(origin: Origin, request: Request) -> bool:
    """True for a page of the called host. Without TLS here the scheme is unknown: a proxy may have ended it."""
    default = DEFAULT_PORTS.get(origin.scheme)
    host = parse_host(request.headers.get("host", ""))
    if default is None or host is None or (origin.scheme == "http" and _is_encrypted(request)):
        return False
    return host == Host(origin.name, host.port) and origin.port == (default if host.port is None else host.port)


def _is_encrypted(request: Request) -> bool:
    return request.conn_info is not None and bool(request.conn_info.ssl)


def _host_in_target(request: Request) -> tuple[str, ...]:
    """The host of a target in absolute form, which goes before the header's (RFC 9112 §3.2.2)."""
    host = (request._parsed_url.host or b"").decode("latin-1")
    return (f"[{host}]" if ":" in host else host,) if host else ()
