"""The paths of all doors. A door's own file is imported at its first request: most instances see few of them."""

from __future__ import annotations

import re
from typing import NamedTuple

# Paths of any depth begin with /docs and /hooks, and Sanic looks for such paths last.
_NO_TOPIC = "(?!(?:docs|hooks)(?![-_A-Za-z0-9]))"
TOPIC = f"<topic:{_NO_TOPIC}[-_A-Za-z0-9]{{1,64}}>"
TOPICS = f"<topics:{_NO_TOPIC}[-_A-Za-z0-9,]{{1,4200}}>"
SEQUENCE = "<sequence:[-_A-Za-z0-9]{1,64}>"
KEY = "<key:str>"
NUMBER = "<number:str>"
APPLICATION = "<application:str>"


_PARAMETER = re.compile(r"<(\w+):[^/]*>")


class Way(NamedTuple):
    """A path of a door, and the method of its class that answers. What `streams` has no end; what `acts` changes
    something by GET, and is guarded against pages of other origins as if it were a POST. `protocol` names the class
    where a door has several; empty: the door's own."""

    door: str
    methods: tuple[str, ...]
    path: str
    handler: str
    streams: bool = False
    acts: bool = False
    protocol: str = ""

    @property
    def takes_any(self) -> bool:
        """True where any word may begin the path: to methods that it does not take, it is not there."""
        return self.path.startswith("/<")

    @property
    def label(self) -> str:
        """The path in metrics and logs: names of parameters without their patterns."""
        return _PARAMETER.sub(r"<\1>", self.path)


WAYS = (
    # ntfy (server/server.go): topics at the root, and behind /ntfy for clients that take an address with a path.
    *(Way("ntfy", ("POST", "PUT"), f"{prefix}/", "publish_json") for prefix in ("", "/ntfy")),
    *(Way("ntfy", ("POST", "PUT"), f"{prefix}/{TOPIC}", "publish") for prefix in ("", "/ntfy")),
    *(
        Way("ntfy", ("GET", "POST", "PUT"), f"{prefix}/{TOPIC}/{name}", "publish", acts=True)
        for prefix in ("", "/ntfy")
        for name in ("publish", "send", "trigger")
    ),
    *(Way("ntfy", ("POST", "PUT"), f"{prefix}/{TOPIC}/{SEQUENCE}", "publish") for prefix in ("", "/ntfy")),
    *(Way("ntfy", ("DELETE",), f"{prefix}/{TOPIC}/{SEQUENCE}", "delete") for prefix in ("", "/ntfy")),
    *(
        Way("ntfy", ("PUT",), f"{prefix}/{TOPIC}/{SEQUENCE}/{name}", "clear")
        for prefix in ("", "/ntfy")
        for name in ("clear", "read")
    ),
    *(
        Way("ntfy", (method,), f"{prefix}/v1/{name}", handler)
        for prefix in ("", "/ntfy")
        for method, name, handler in (
            ("GET", "health", "health"),
            ("GET", "stats", "stats"),
            ("GET", "version", "version"),
            ("GET", "account", "account"),
            ("POST", "account/token", "new_token"),
        )
    ),
    *(
        Way("ntfy", ("GET",), f"{prefix}/{TOPICS}/{form}", f"subscribe_{form}", streams=True)
        for prefix in ("", "/ntfy")
        for form in ("json", "sse", "raw", "ws")
    ),
    *(Way("ntfy", ("GET",), f"{prefix}/{TOPICS}/auth", "check_access") for prefix in ("", "/ntfy")),
    Way("ntfy", ("POST",), "/a/<signed:[-_A-Za-z0-9]{1,1024}>", "mark_read"),
    # Apprise API (caronc/apprise-api); its plugin adds the key to the path, or since 2.2 names it in a header.
    *(Way("apprise", ("POST",), f"{prefix}/notify/{KEY}", "notify") for prefix in ("", "/apprise")),
    *(Way("apprise", ("POST",), f"{prefix}/notify", "notify_by_header") for prefix in ("", "/apprise")),
    Way("apprise", ("GET",), "/apprise/status", "status"),
    Way("apprise", ("GET",), "/status", "status"),
    *(
        Way("apprise", ("GET", "POST"), f"{prefix}/{name}/{KEY}", "no_configuration")
        for prefix in ("", "/apprise")
        for name in ("add", "get", "del", "cfg")
    ),
    # Gotify (gotify/server, router/router.go); its clients take a path too.
    *(Way("gotify", ("GET",), f"{prefix}/stream", "stream", streams=True) for prefix in ("", "/gotify")),
    Way("gotify", ("GET",), "/gotify/health", "health"),
    *(
        Way("gotify", (method,), f"{prefix}{path}", handler)
        for prefix in ("", "/gotify")
        for method, path, handler in (
            ("POST", "/message", "publish"),
            ("GET", "/message", "messages"),
            ("DELETE", "/message", "delete_all"),
            ("DELETE", f"/message/{NUMBER}", "delete"),
            ("GET", "/version", "version"),
            ("GET", "/gotifyinfo", "info"),
            ("GET", "/current/user", "current_user"),
            ("GET", "/client", "clients"),
            ("POST", "/client", "create_client"),
            ("PUT", f"/client/{NUMBER}", "no_client"),
            ("DELETE", f"/client/{NUMBER}", "no_client"),
            ("GET", "/application", "applications"),
            ("POST", "/application", "no_application"),
            ("PUT", f"/application/{APPLICATION}", "no_application"),
            ("DELETE", f"/application/{APPLICATION}", "no_application"),
            ("POST", f"/application/{APPLICATION}/image", "no_application"),
            ("DELETE", f"/application/{APPLICATION}/image", "no_application"),
            ("GET", f"/application/{APPLICATION}/message", "messages_of"),
            ("DELETE", f"/application/{APPLICATION}/message", "delete_all_of"),
        )
    ),
    # Webhooks, each with a protocol of its own behind keys of one kind; Grafana may be told to use PUT.
    Way("hooks", ("POST", "PUT"), "/hooks/alertmanager", "take", protocol="alerts"),
    Way("hooks", ("POST", "PUT"), "/hooks/grafana", "take", protocol="alerts"),
    Way("hooks", ("POST",), "/hooks/github", "take", protocol="github"),
    Way("hooks", ("POST", "OPTIONS"), "/hooks/cloudevents", "take", protocol="cloudevents"),
    Way("hooks", ("GET", "POST", "PUT", "PATCH", "DELETE"), "/hooks/<name:path>", "take", protocol="hooks"),
)
