"""`GET /api/v1/admin/problems`: what is wrong now, over all instances, worst first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from msgspec import Meta, Struct

from notifier.domain.problems import Kind, Problem, Severity, words_for
from notifier.domain.times import format_time
from notifier.web.endpoints.fields import OPERATORS, TIME, Time
from notifier.web.http.mount import Call
from notifier.web.http.route import WATCHING, Answer, Endpoints, get


class Place(Struct):
    """The view of the dashboard that shows more, and the row in it."""

    view: str
    id: str | None


class ProblemRow(Struct, kw_only=True):
    """A problem. `value` went beyond `threshold`, a setting `PROBLEM_…`, where the kind has one."""

    kind: Kind
    severity: Annotated[Severity, Meta(description="`notice` is for information: nothing is wrong.")]
    subject: Annotated[str, Meta(description="A channel, provider, instance or source; empty for the whole.")]
    text: Annotated[str, Meta(max_length=60, description="In plain English.")]
    since: Time | None
    value: float | None
    threshold: float | None
    open: Place


class ProblemList(Struct):
    """Problems of the cluster, the worst first; empty or notices alone while all is well."""

    problems: list[ProblemRow]
    checked_at: Time


_EXAMPLE = ProblemRow(
    kind=Kind.CIRCUIT_OPEN,
    severity=Severity.CRITICAL,
    subject="push:android",
    text="push:android circuit open 9m, 218 held",
    since=TIME,
    value=218.0,
    threshold=None,
    open=Place("channels", "push"),
)


class ProblemEndpoints(Endpoints):
    """The route of problems."""

    tag, access = OPERATORS, WATCHING

    def __init__(self, look: Callable[[], Awaitable[list[Problem]]], now: Callable[[], float]) -> None:
        """`look` answers the problems, worst first, from memory where the store is away; `now` Redis' time."""
        self._look = look
        self._now = now

    @get(
        "/api/v1/admin/problems",
        "Tell what is wrong now",
        description="One list for this answer, `/health`, `notifier doctor`, the page and the dashboard. It comes from "
        "memory while Redis is away.",
        answers=(Answer(example=ProblemList([_EXAMPLE], TIME)),),
    )
    async def list_problems(self, call: Call) -> ProblemList:
        found, now = await self._look(), self._now()
        return ProblemList([_row(one, now) for one in found], format_time(now))


def _row(problem: Problem, now: float) -> ProblemRow:
    return ProblemRow(
        kind=problem.kind,
        severity=problem.severity,
        subject=problem.subject,
        text=words_for(problem, now),
        since=None if problem.since is None else format_time(problem.since),
        value=_number(problem.value),
        threshold=_number(problem.threshold),
        open=Place(problem.view, problem.channel or problem.subject or None),
    )


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
