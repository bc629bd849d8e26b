"""A person's own inbox: listed, counted, marked and snoozed, over HTTP and WebSocket alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from notifier.domain.ids import is_notification_id
from notifier.domain.states import Counts, InboxFilter, Kept, shown
from notifier.errors import ErrorCode, NotifierError
from notifier.store.inbox_states import InboxStates, Marked, Outcome, Pair, Part
from notifier.store.inbox_values import Holder

PART = 100  # entries of one script: it holds up everybody
TRIES = 3  # of a count over several parts between which the inbox changed
ERRORS = {-1: "not_found", -2: "acted", -3: "archived"}
EVERYTHING = InboxFilter(archived="include")

OnMarked = Callable[[str, str, Outcome], None]


class StatesService:
    """The inbox of any person. Every coroutine may raise `NotifierError(unavailable)`."""

    def __init__(
        self,
        states: InboxStates,
        holder: Holder,
        on_marked: OnMarked,
        on_restored: Callable[[str, Kept, list[bytes]], None],
        before: Callable[[], None],
    ) -> None:
        """`on_marked(user, mark, outcome)` is told what changed, `on_restored(user, entry, others)` what is back before
        its time; `before` is called before an inbox is read."""
        self._states = states
        self._holder = holder
        self._on_marked = on_marked
        self._on_restored = on_restored
        self._before = before

    # -- looking

    async def page(
        self, user: str, wanted: InboxFilter, limit: int, before: str | None, after: str | None
    ) -> dict[str, Any]:
        """`items` that the filter takes, newest first: the newest `limit`, or those just before, just after, or between
        two ids; with the counts of the main list, `rev`, and `next_before`."""
        newest_first, found, counts = after is None or before is not None, list[Kept](), None
        more = False
        async for part in self._parts(user, before, after, newest_first, counted=True):
            counts = counts or part.counts
            taken = [entry for entry in part.entries if wanted.takes(entry)]
            room = limit - len(found)
            found += taken[:room]
            more = len(taken) > room or part.following is not None
            if len(found) == limit:
                break
        ordered = found if newest_first else found[::-1]
        following = ordered[-1].stream_id if ordered and newest_first and more else None
        return {"items": [shown(entry) for entry in ordered], "next_before": following} | counted(
            counts or Counts(0, 0, 0, 0)
        )

    async def counts(self, user: str, filters: Sequence[InboxFilter]) -> dict[str, Any]:
        """`counts` of what each filter takes, and `rev`."""
        for _ in range(TRIES):
            found, revisions = [[0, 0, 0] for _ in filters], set[int]()
            async for part in self._parts(user, None, None, True):
                revisions.add(part.counts.rev)
                for wanted, row in zip(filters, found, strict=True):
                    _add(row, [entry for entry in part.entries if wanted.takes(entry)])
            if len(revisions) == 1:
                break
        rows = [{"unread": unread, "unseen": unseen, "total": total} for unread, unseen, total in found]
        return {"counts": rows, "rev": max(revisions)}

    async def one(self, user: str, notification_id: str) -> dict[str, Any]:
        """One notification; raises `NotifierError(not_found)`."""
        self._before()
        entry = None
        if is_notification_id(notification_id):
            _, entry = await self._states.one(user, notification_id)
        if entry is None or entry.payload is None:
            raise not_found()
        return shown(entry)

    async def to_come(self, user: str) -> list[dict[str, Any]]:
        """Notifications that are put off or yet to come, the soonest first; `stream_id` tells the ms when."""
        return [shown(entry) for entry in await self._states.to_come(user)]

    async def _parts(
        self, user: str, before: str | None, after: str | None, newest_first: bool, counted: bool = False
    ) -> AsyncIterator[Part]:
        """All parts, the first of them `counted`."""
        self._before()
        low, high = f"({after}" if after else "-", f"({before}" if before else "+"
        following: str | None = ""
        while following is not None:
            part = await self._states.part(user, low, high, PART, newest_first, counted and not following)
            yield part
            following = part.following
            low, high = (low, following or high) if newest_first else (following or low, high)

    # -- marking

    async def mark(self, user: str, mark: str, ids: Sequence[str]) -> dict[str, Any]:
        """Marks notifications by their ids, at most a hundred: how many changed, the counts, and `errors` by id."""
        known = [notification_id for notification_id in dict.fromkeys(ids) if is_notification_id(notification_id)]
        outcome = await self._mark(user, mark, [("", notification_id) for notification_id in known])
        codes = {one.notification_id: one.code for one in outcome.marked}
        errors = [
            {"id": notification_id, "error": ERRORS[code]}
            for notification_id in dict.fromkeys(ids)
            if (code := codes.get(notification_id, -1)) < 0
        ]
        return answer_of([outcome]) | ({"errors": errors} if errors else {})

    async def mark_one(self, user: str, mark: str, notification_id: str) -> dict[str, Any]:
        """As `mark`, of one; raises `NotifierError(not_found)`."""
        answer = await self.mark(user, mark, [notification_id])
        if any(error["error"] == "not_found" for error in answer.get("errors", ())):
            raise not_found()
        return answer

    async def mark_up_to(self, user: str, mark: str, up_to: str) -> dict[str, Any]:
        """Marks all up to and including a stream id that are not snoozed."""
        return await self._mark_all(user, mark, EVERYTHING, up_to)

    async def mark_filtered(self, user: str, mark: str, wanted: InboxFilter) -> dict[str, Any]:
        """Marks all that a filter takes."""
        newest = await self._states.part(user, "-", "+", 1, True, counted=True)
        if not newest.entries:
            return {"changed": 0} | counted(newest.counts)
        return await self._mark_all(user, mark, wanted, newest.entries[0].stream_id)

    async def _mark_all(self, user: str, mark: str, wanted: InboxFilter, up_to: str) -> dict[str, Any]:
        outcomes, low = list[Outcome](), "-"
        following: str | None = ""
        while following is not None:
            part = await self._states.part(user, low, up_to, PART, False)
            pairs = [(entry.stream_id, entry.notification_id) for entry in part.entries if wanted.takes(entry)]
            following = part.following
            low = following or low
            if pairs or (following is None and not outcomes):
                outcomes.append(await self._mark(user, mark, pairs))
        return answer_of(outcomes)

    async def _mark(self, user: str, mark: str, pairs: Sequence[Pair]) -> Outcome:
        outcome = await self._states.mark(self._holder, user, mark, pairs)
        self._on_marked(user, mark, outcome)
        return outcome

    async def snooze(self, user: str, notification_id: str, until: float | None) -> dict[str, Any]:
        """Puts one off until Unix seconds, or brings it back as it was (None); raises `NotifierError(not_found)`."""
        if not is_notification_id(notification_id):
            raise not_found()
        until_ms = None if until is None else round(until * 1000)
        outcome = await self._states.snooze(self._holder, user, notification_id, until_ms)
        if outcome.marked[0].code < 0:
            raise not_found()
        self._on_marked(user, "unsnoozed" if until is None else "snoozed", outcome)
        if until is None and outcome.marked[0].code > 0:
            _, entry = await self._states.one(user, notification_id)
            if entry is not None and entry.payload is not None:
                self._on_restored(user, entry, outcome.others)
        return answer_of([outcome])


def not_found() -> NotifierError:
    """The error of a notification that is not in this inbox."""
    return NotifierError(ErrorCode.NOT_FOUND, "no such notification in this inbox")


def counted(counts: Counts) -> dict[str, Any]:
    """`counts` and `rev` of an answer."""
    return {"counts": {"unread": counts.unread, "unseen": counts.unseen, "total": counts.total}, "rev": counts.rev}


def answer_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The answer to marks: how many changed, and the counts since."""
    changed = sum(one.code > 0 for outcome in outcomes for one in outcome.marked)
    return {"changed": changed} | counted(outcomes[-1].counts)


def _add(row: list[int], entries: Sequence[Kept]) -> None:
    row[0] += sum(not entry.read for entry in entries)
    row[1] += sum(not entry.seen for entry in entries)
    row[2] += len(entries)


def newly_read(outcome: Outcome) -> list[Marked]:
    """Those that these marks made read."""
    return [one for one in outcome.marked if one.code == 2]


def read_filters(text: str) -> list[InboxFilter]:
    """The filters of a query; raises `ValueError`."""
    try:
        return msgspec.json.decode(text, type=list[InboxFilter])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from None
