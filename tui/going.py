"""The way to anything by its name: asks the server what a text names, and opens it."""

from __future__ import annotations

from collections.abc import Callable

from textual.message import Message

from tui.client import AdminClient, ApiError, Failure
from tui.dialogs.goto import Answer, GoTo, Unanswered
from tui.found import VIEW, Found, guessed, read_found, the_one, views_named
from tui.messages import OpenDeliveries, OpenDelivery, OpenNotification, OpenPlace, OpenRecord, OpenUser, ShowView
from tui.record import Json, whole
from tui.shell import Shell

_OLDER = "this server does not search: it is older than this dashboard; a view, 1-alice or a delivery's id is known"


class Going:
    """One at a time. While a text that was entered is looked for, keys wait for nobody: only Escape counts."""

    def __init__(self, app: Shell, client: AdminClient, tick: Callable[[], None]) -> None:
        """`tick` shows in the first line that a question is under way."""
        self._app = app
        self._client = client
        self._tick = tick

    def begin(self, typed: str = "", answer: Answer | None = None) -> None:
        """Opens the field."""
        self._app.push_screen(GoTo(self._ask, self._views, typed, answer), self._chosen)

    def _views(self, typed: str) -> list[Found]:
        return views_named(typed, [(tab.view, tab.title) for tab in self._app.setting.tabs])

    async def _ask(self, typed: str) -> Answer:
        views = self._views(typed)
        try:
            found = read_found(await self._client.find(typed.strip()))
        except ApiError as error:
            absent = error.failure is Failure.NOT_FOUND
            return Answer([*views, *guessed(typed)], _OLDER if absent else f"not asked: {error}")
        said = "" if found or views else f"nothing is named {typed.strip()}"
        return Answer([*views, *found], said)

    def _chosen(self, chosen: Found | Unanswered | None) -> None:
        if chosen is not None:
            self._app.asking = self._app.run_worker(self._go(chosen), group="goto", exclusive=True)
            self._tick()

    async def _go(self, chosen: Found | Unanswered) -> None:
        try:
            if isinstance(chosen, Found):
                self._app.post_message(await self._way_to(chosen))
            else:
                await self._resolve(chosen.typed)
        except ApiError as error:
            self._app.inform(f"Not opened: {error}", bad=True)
        finally:
            self._app.asking = None
            self._tick()

    async def _resolve(self, typed: str) -> None:
        """Goes there where one thing alone is meant; else the choice is the operator's."""
        answer = await self._ask(typed)
        one = the_one(typed, answer.found)
        if one is not None:
            self._app.post_message(await self._way_to(one))
        else:
            said = answer.said or f"{len(answer.found)} are named so: choose one"
            self.begin(typed, Answer(answer.found, said))

    async def _way_to(self, found: Found) -> Message:
        if found.kind == "batch":
            return _record(found, await self._client.batch(found.id))
        return _WAYS.get(found.kind, _whole)(found)


def _user(found: Found) -> Message:
    return OpenUser(found.user) if found.user else OpenDeliveries(f"user:{found.id}")


def _notification(found: Found) -> Message:
    return OpenNotification(found.user, found.id, "") if found.user else _whole(found)


def _whole(found: Found) -> Message:
    return _record(found, found.raw)


def _record(found: Found, raw: Json) -> OpenRecord:
    facts = [("Kind", found.kind), ("Id", found.id), ("What", found.label)]
    statuses = raw.get("statuses")
    if isinstance(statuses, dict):
        facts += [("Deliveries", f"{whole(raw, 'total'):,}")]
        facts += [(str(name), f"{whole(statuses, name):,}") for name in statuses]
    return OpenRecord(f"{found.kind} {found.id}", facts, raw)


_WAYS: dict[str, Callable[[Found], Message]] = {
    VIEW: lambda found: ShowView(found.id),
    "delivery": lambda found: OpenDelivery(found.id),
    "notification": _notification,
    "user": _user,
    "login": _user,
    "address": lambda found: OpenDeliveries(f"recipient:{found.id}"),
    "instance": lambda found: OpenPlace("instances", found.id),
    "channel": lambda found: OpenPlace("channels", found.id),
}
