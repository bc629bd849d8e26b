"""Adds the paths of doors to the application, and gives each door's errors its own dialect."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sanic import HTTPResponse, Request, Sanic

from notifier.errors import NotifierError
from notifier.web.doors.ways import WAYS, Way
from notifier.web.http.errors import STATUS
from notifier.web.http.protocol import HandedOver
from notifier.web.http.route import OPEN

if TYPE_CHECKING:
    from notifier.web.doors.base import Door, House

OnDoor = Callable[[str, str], None]


class Entrance:
    """A protocol of a door that is built at its first request."""

    def __init__(self, name: str, protocol: str, house: House, on_request: OnDoor) -> None:
        self._name = name
        self._protocol = protocol
        self._house = house
        self._on_request = on_request
        self._door: Door | None = None

    @property
    def door(self) -> Door:
        """The door itself."""
        if self._door is None:
            self._door = _class_of(self._protocol)(self._house)
        return self._door

    async def answer(self, handler: str, request: Request, in_path: dict[str, Any]) -> HTTPResponse | None:
        """Answers a request by a method of the door; counts it. An answer without an end says when it begins, and is
        counted then."""
        request.ctx.on_begun = partial(self._on_request, self._name, "accepted")
        try:
            response: HTTPResponse | None = await getattr(self.door, handler)(request, **in_path)
        except HandedOver:
            request.ctx.on_begun()
            raise
        if response is not None:
            self._on_request(self._name, "accepted" if response.status < 400 else "refused")
        return response

    def refuse(self, request: Request, error: NotifierError) -> HTTPResponse:
        """The door's answer to an error; counts it."""
        response = self.door.refuse(request, error, STATUS[error.code])
        limited = STATUS[error.code] == 429
        outcome = "limited" if limited else "failed" if response.status >= 500 else "refused"
        self._on_request(self._name, outcome)
        return response


def mount_doors(app: Sanic, house: House, names: Sequence[str], on_request: OnDoor) -> None:
    """Adds the paths of these doors; `on_request(door, outcome)` is told of each request: `accepted`, `refused`,
    `limited` or `failed`."""
    entrances: dict[str, Entrance] = {}
    for number, way in enumerate(WAYS):
        if way.door in names:
            protocol = way.protocol or way.door
            entrance = entrances.setdefault(protocol, Entrance(way.door, protocol, house, on_request))
            app.add_route(
                _handler(entrance, way),
                way.path,
                methods=way.methods,
                name=f"door_{way.door}_{number}",
                ctx_access=OPEN,
                ctx_door=entrance,
                ctx_streams=way.streams,
                ctx_acts=way.acts,
                ctx_takes_any=way.takes_any,
                ctx_label=way.label,
            )


def _handler(entrance: Entrance, way: Way) -> Callable[..., Coroutine[Any, Any, HTTPResponse | None]]:
    async def serve(request: Request, **in_path: Any) -> HTTPResponse | None:
        return await entrance.answer(way.handler, request, in_path)

    return serve


def _class_of(protocol: str) -> type[Door]:
    door: type[Door]
    match protocol:
        case "apprise":
            from notifier.web.doors.apprise import Apprise

            door = Apprise
        case "gotify":
            from notifier.web.doors.gotify import Gotify

            door = Gotify
        case "alerts":
            from notifier.web.doors.alerts import Alerts

            door = Alerts
        case "github":
            from notifier.web.doors.github import GitHub

            door = GitHub
        case "cloudevents":
            from notifier.web.doors.cloudevents import CloudEvents

            door = CloudEvents
        case "hooks":
            from notifier.web.doors.hooks import Elsewhere

            door = Elsewhere
        case "ntfy":
            from notifier.web.doors.ntfy.door import Ntfy

            door = Ntfy
        case _:
            raise LookupError(protocol)
    return door
