"""Timelines: all that is known of a user, a notification or a delivery, in its order. No Textual.

A server that explains (`GET admin/explain`) will answer this in one; until then the timeline is made here, of what its
other answers tell. `why` is the one place to change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

from tui import humanise
from tui.client import AdminClient, ApiError, Failure
from tui.columns import event_tone
from tui.deliveries.channels import Channel
from tui.deliveries.columns import status_of, tone_of
from tui.deliveries.model import Attempt, DeadLetter, Delivery
from tui.events import Event
from tui.inbox.model import Client, Entry, User, UserFacts
from tui.listing import Column, Listing
from tui.model import Ownerless, UserKey
from tui.record import Json, moment, rows, text
from tui.times import TIMES

DELIVERIES_MAX = 50  # of a user
ENTRIES_MAX = 100
_STATES = {"auto_cleared": "cleared, unread", "seen": "seen, unread", "acted": "acted on"}
_TONES = {"unread": "warn", "seen": "warn", "read": "good", "acted": "good"}
_TIMES = (
    ("scheduled_at", "due", ""),
    ("next_retry_at", "next try", "warn"),
    ("expires_at", "expires, if it was not sent by then", "dim"),
    ("sent_at", "sent", "good"),
)


@dataclass(frozen=True)
class AboutUser:
    """A user: the inbox, the connections, the deliveries."""

    user: UserKey

    def __str__(self) -> str:
        return str(self.user)


@dataclass(frozen=True)
class AboutNotification:
    """A notification in a user's inbox, by its id or its place in the stream."""

    user: UserKey
    id: str
    stream_id: str = ""

    def __str__(self) -> str:
        return f"notification {(self.id or self.stream_id)[:8]}"


@dataclass(frozen=True)
class AboutDelivery:
    """A delivery."""

    id: str

    def __str__(self) -> str:
        return f"delivery {self.id[:8]}"


About = AboutUser | AboutNotification | AboutDelivery


@dataclass(frozen=True, slots=True)
class Step(Ownerless):
    """Something that happened, or will: `at` in unix seconds, None for what holds now; `about` names the object."""

    at: float | None
    about: str
    said: str
    tone: str = ""
    raw: Json = field(default_factory=dict)
    leads: About | None = None

    @property
    def identity(self) -> str:
        """The id that `y` copies."""
        return text(self.raw, "id") or text(self.raw, "notification_id") or self.about

    @property
    def haystack(self) -> str:
        """The text that a filter searches, in lower case."""
        return f"{self.about} {self.said}".lower()


@dataclass
class Why:
    """A subject: the timeline of something, kept fresh. `events` gives the events that are still known of it."""

    about: About
    events: Callable[[About], list[Event]]
    topics: tuple[str, ...] = ("delivery.", "notification.", "client.")
    interval: float = 5.0

    async def load(self, client: AdminClient) -> AsyncIterator[list[Step]]:
        """In one go, the newest first."""
        yield await why(client, self.about, self.events(self.about))


def about_of(row: object) -> About | None:
    """The thing that a row of any table is about, if it has a timeline."""
    match row:
        case Delivery() | DeadLetter():
            return AboutDelivery(row.id)
        case Entry():
            return AboutNotification(row.user, row.notification_id, row.stream_id)
        case Client() | User():
            return AboutUser(row.user)
        case Event():
            return _of_event(row)
        case Step():
            return row.leads
        case _:
            return None


def _of_event(event: Event) -> About | None:
    if event.delivery_id:
        return AboutDelivery(event.delivery_id)
    if event.user is None:
        return None
    if event.notification_id:
        return AboutNotification(event.user, event.notification_id, event.stream_id)
    return AboutUser(event.user)


async def why(client: AdminClient, about: About, events: Iterable[Event]) -> list[Step]:
    """Steps to come, of now, and past ones, the newest first. Raises `ApiError`."""
    match about:
        case AboutDelivery():
            found = await _of_delivery(client, about.id)
        case AboutNotification():
            found = await _of_notification(client, about)
        case AboutUser():
            found = await _of_user(client, about.user)
    known = {text(step.raw, "notification_id") for step in found}
    news = [event for event in events if event.kind != "notification.stored" or event.notification_id not in known]
    return in_order([*found, *map(_event, news)])


def in_order(steps: Iterable[Step]) -> list[Step]:
    """The newest first; what holds now stands between what is to come and what was."""
    now = TIMES.now()
    return sorted(steps, key=lambda step: now if step.at is None else step.at, reverse=True)


async def _of_delivery(client: AdminClient, identity: str) -> list[Step]:
    row = Delivery.read(await client.delivery(identity))
    attempts = Attempt.read_all(await client.delivery_status(identity))
    steps = [*_life(row), *map(_attempt, attempts)]
    steps += await _channel(client, row) if row.status in ("scheduled", "queued", "retrying", "processing") else []
    return steps + (await _dead_letter(client, row) if row.status == "failed" else [])


def _life(row: Delivery) -> list[Step]:
    """The times of a delivery, and where it stands now."""
    name = "delivery"
    where = f"accepted for {row.channel}, {row.to}"
    steps = [Step(row.created_at, name, f"{where}, priority {row.priority or 'normal'}", "", row.raw)]
    for member, said, tone in _TIMES:
        at = moment(row.raw.get(member))
        steps += [Step(at, name, said, tone, row.raw)] if at is not None else []
    if row.waiting_for:
        steps.append(Step(row.since, name, f"begins to wait: {row.waiting_for}", "warn" if row.held else "", row.raw))
    retries = f", {row.retries} of {row.max_retries} retries used" if row.retries else ""
    error = f": {row.error}" if row.error else ""
    return [*steps, Step(None, name, f"{status_of(row)}{retries}{error}", tone_of(row), row.raw)]


def _attempt(row: Attempt) -> Step:
    tone = {"sent": "good", "retry": "warn", "failed": "bad"}.get(row.outcome, "")
    took = f" after {humanise.milliseconds(row.latency)}" if row.latency is not None else ""
    error = f": {row.error}" if row.error else ""
    return Step(row.at, f"try {row.number}", f"{row.outcome} by {row.provider}{took}{error}", tone, row.raw)


async def _channel(client: AdminClient, row: Delivery) -> list[Step]:
    """The state of its channel now: a pause, a circuit, what is before it."""
    try:
        found = [Channel.read(each) for each in rows(await client.channels(), "channels")]
    except ApiError as error:
        if error.failure is not Failure.NOT_FOUND:
            raise
        return []
    return [_channel_now(each) for each in found if each.channel == row.channel]


def _channel_now(row: Channel) -> Step:
    said = f"circuit {row.circuit}, {humanise.count(row.waiting)} waiting, {humanise.count(row.held)} held"
    said += f" ({row.reason})" if row.held and row.reason else ""
    said += f", {humanise.rate(row.out)} a second go out"
    troubled = row.paused or row.circuit == "open"
    return Step(
        None, f"channel {row.channel}", f"paused, {said}" if row.paused else said, "warn" if troubled else "", row.raw
    )


async def _dead_letter(client: AdminClient, row: Delivery) -> list[Step]:
    """Its dead letter, if it is among the newest of its channel."""
    answer = await client.dead_letters(channel=row.channel)
    letters = [DeadLetter.read(each) for each in rows(answer, "entries") if text(each, "id") == row.id]
    return [_buried(letter) for letter in letters]


def _buried(letter: DeadLetter) -> Step:
    tries = humanise.plural(letter.attempts, "try", "tries")
    return Step(letter.failed_at, "dead letter", f"{letter.reason} after {tries}", "bad", letter.raw)


async def _of_notification(client: AdminClient, about: AboutNotification) -> list[Step]:
    facts = UserFacts.read(await client.user(about.user), user=about.user)
    answer = await client.history(about.user)
    entries = [Entry.read(row, user=about.user) for row in rows(answer, "notifications")]
    found = [row for row in entries if about.id in (row.notification_id, "") and about.stream_id in (row.stream_id, "")]
    if not found:
        raise ApiError(Failure.NOT_FOUND, "no longer in the inbox: expired, cleared or trimmed")
    return [*_entry(found[0]), _presence(facts)]


async def _of_user(client: AdminClient, user: UserKey) -> list[Step]:
    facts = UserFacts.read(await client.user(user), user=user)
    answer = await client.history(user, limit=ENTRIES_MAX)
    entries = [Entry.read(row, user=user) for row in rows(answer, "notifications")]
    return of_user(facts, entries, await deliveries_of(client, user))


async def deliveries_of(client: AdminClient, user: UserKey) -> list[Delivery]:
    """The newest deliveries that name a user."""
    found = rows(await client.deliveries(1, user_id=str(user)), "notifications")
    return [Delivery.read(row) for row in found[:DELIVERIES_MAX]]


def of_user(facts: UserFacts, entries: Iterable[Entry], deliveries: Iterable[Delivery]) -> list[Step]:
    """The timeline of a user, of what the server told."""
    steps = [_stored(entry) for entry in entries]
    steps += [_opened(connection) for connection in facts.connections]
    steps += [_one_line(delivery) for delivery in deliveries]
    return in_order([*steps, _presence(facts)])


def _opened(row: Client) -> Step:
    said = f"opened from {row.remote} on {row.pod_id}"
    return Step(row.connected_at, f"connection {row.connection_id[:8]}", said, "good", row.raw)


def _one_line(row: Delivery) -> Step:
    said = f"{row.channel} to {row.to}: {status_of(row)}{f', {row.error}' if row.error else ''}"
    return Step(row.created_at, f"delivery {row.id[:8]}", said, tone_of(row), row.raw, AboutDelivery(row.id))


def _entry(row: Entry) -> list[Step]:
    """A notification: when it was stored and marked, and how it stands now."""
    name = "notification"
    steps = [Step(row.stored_at, name, _text(row), "", row.raw)]
    steps += [Step(at, name, f"marked {word}", "", row.raw) for word, at in row.marks if at is not None]
    expired = ", its text has expired" if row.payload is None else ""
    put_off = f" until {humanise.stamp(row.snoozed_until)}" if row.state == "snoozed" else ""
    now = f"{_STATES.get(row.state, row.state)}{put_off}{expired}"
    return [*steps, Step(None, name, now, _TONES.get(row.state, "dim"), row.raw)]


def _stored(row: Entry) -> Step:
    """The same in one line."""
    said = f"{_text(row)} ({_STATES.get(row.state, row.state)})"
    leads = AboutNotification(row.user, row.notification_id, row.stream_id)
    return Step(row.stored_at, f"notification {row.identity[:8]}", said, _TONES.get(row.state, "dim"), row.raw, leads)


def _text(row: Entry) -> str:
    source = f" from {row.source}" if row.source else ""
    return f"stored{source}: {row.message[:200]}"


def _presence(facts: UserFacts) -> Step:
    many = len(facts.connections)
    unread = humanise.plural(facts.pending, "notification")
    said = (
        f"connected {humanise.plural(many, 'time')}"
        if many
        else "not connected: what is stored waits for the next connect"
    )
    return Step(None, f"user {facts.user}", f"{said}; {unread} unread", "good" if many else "warn")


def _event(event: Event) -> Step:
    return Step(event.at, event.kind, f"{event.what} on {event.pod_id}".strip(), event_tone(event), event.raw)


def _when(step: Step) -> str:
    return "" if step.at is None else humanise.stamp(step.at)[:19]


def _ago(step: Step) -> str:
    if step.at is None:
        return "now"
    seconds = TIMES.now() - step.at
    return f"in {humanise.span(-seconds)}" if seconds < -0.5 else humanise.span(seconds)


COLUMNS: tuple[Column[Step], ...] = (
    Column("at", "When", _when, lambda row: TIMES.now() if row.at is None else row.at, 19, rank=1),
    Column("ago", "Ago", _ago, lambda row: TIMES.now() if row.at is None else row.at, 8, right=True),
    Column("about", "Of", lambda row: row.about, lambda row: row.about, 18, flex=1),
    Column("said", "What", lambda row: row.said[:400], lambda row: row.said, 40, flex=4, tone=lambda row: row.tone),
)


def timeline() -> Listing[Step]:
    """Steps, as they come: newest first."""
    return Listing(COLUMNS, lambda row: (row.at, row.about, row.said), lambda row: row.haystack)
