"""Alerts: webhooks of Alertmanager (version 4 of its body) and of Grafana, and lists in the form of Prometheus.

Alertmanager tries again after 5xx and lost connections alone, never after 429 (notify/webhook and notify/util.go of
prometheus/alertmanager): what is over a limit is therefore answered 503. Options stand in the query of the address, as
both send the same body to it: `per=alert|group`, `repeat=keep|bump`, `ttl=7d`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from sanic import HTTPResponse, Request

from notifier.domain.bodies import canonical, read_json
from notifier.domain.channels import PRIORITIES
from notifier.domain.checks import time_problem
from notifier.domain.notifications import own_key_problem
from notifier.domain.times import normalise_time, parse_time
from notifier.errors import ErrorCode, NotifierError
from notifier.service.doors import Visitor
from notifier.service.episodes import Episodes
from notifier.web.doors.base import House, json_answer, query_of, token_in_header
from notifier.web.doors.hooks import (
    Hook,
    fitting,
    is_link,
    is_signed,
    lasting,
    links,
    message_of,
    object_in,
    one_line,
    plain,
    title_of,
    unsigned,
)

SIGNATURE, SIGNED_AT = "x-grafana-alerting-signature", "x-grafana-alerting-timestamp"
SKEW = 300.0  # seconds between a signature's time and Redis' clock
MAX_ALERTS = 2000  # of one request
LINES = 25  # of a group, each of at most 256 characters
MAX_LABELS = 40  # that are kept of an alert
SEVERITIES = {"critical": "high", "page": "high", "warning": "normal"}
BUTTONS = (("Silence", "silenceURL"), ("Dashboard", "dashboardURL"), ("Panel", "panelURL"))


class Alert(NamedTuple):
    """An alert, or a group of them: its key, whether it fires, the fields of its notification, and what an end adds to
    `data`."""

    key: str
    fires: bool
    said: dict[str, Any]
    at_end: dict[str, Any]


class Alerts(Hook):
    """`/hooks/alertmanager` and `/hooks/grafana`: either takes both."""

    statuses: ClassVar = {**Hook.statuses, ErrorCode.RATE_LIMITED: 503}

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self._episodes = Episodes(self.service)

    async def take(self, request: Request) -> HTTPResponse:
        """Stores what fires and closes what is resolved; how many of each."""
        visitor = await self.visitor_of(request)
        self._check_signature(request, visitor)
        by_group = option(request, "per", "alert", "group") == "group"
        bump = option(request, "repeat", "keep", "bump") == "bump"
        targets, lives = self.targets_of(request, visitor), lasting(request)
        group = group_in(read_json(request.body))
        now = self.service.now()
        found = [whole_of(group, now)] if by_group else list(alerts_of(group, now))
        counted = dict.fromkeys(("created", "updated", "resolved", "ignored"), 0)
        for alert in found:
            if alert.fires:
                outcome = await self._episodes.report(visitor, targets, alert.key, alert.said | lives, bump, by_group)
            else:
                outcome = await self._episodes.resolve(visitor, targets, alert.key, alert.at_end)
            counted[outcome] += 1
        return json_answer(counted)

    def _check_signature(self, request: Request, visitor: Visitor) -> None:
        """Grafana's HMAC. A token in the address alone does not do where the key has a secret: addresses are logged."""
        given, secret = request.headers.get(SIGNATURE, ""), visitor.terms.secret
        if given and not secret and visitor.caller.key_id:
            raise unsigned("this key has no secret to check a signature with: make one with --secret-file")
        if given and secret:
            self._check_hmac(request, secret, given)
        elif secret and not token_in_header(request):
            raise unsigned(f"this key has a secret: sign in {SIGNATURE}, or send the token in Authorization")

    def _check_hmac(self, request: Request, secret: str, given: str) -> None:
        body, at = request.body, request.headers.get(SIGNED_AT, "")
        if at:
            if not at.isdecimal() or len(at) > 12 or abs(int(at) - self.service.now()) > SKEW:
                raise unsigned(f"the time in {SIGNED_AT} is not within {SKEW:.0f} s")
            body = at.encode() + b":" + body
        if not is_signed(secret, body, given):
            raise unsigned(f"the signature in {SIGNATURE} is not that of this body")


def option(request: Request, name: str, *choices: str) -> str:
    """A parameter of the query, the first of its choices where it is not given. Raises `NotifierError(bad_request)`."""
    value = query_of(request, name) or choices[0]
    if value not in choices:
        raise NotifierError(ErrorCode.BAD_REQUEST, f"{name} must be one of {', '.join(choices)}")
    return value


def group_in(body: object) -> dict[str, Any]:
    """The body as a group of alerts. Raises `NotifierError` (`bad_request`, `too_large`)."""
    group = {"alerts": body} if type(body) is list else object_in(body)
    alerts = group.get("alerts")
    if type(alerts) is not list or not all(type(alert) is dict for alert in alerts):
        raise NotifierError(ErrorCode.BAD_REQUEST, "alerts must be a list of objects")
    if len(alerts) > MAX_ALERTS:
        raise NotifierError(ErrorCode.TOO_LARGE, f"at most {MAX_ALERTS} alerts: set max_alerts of the receiver")
    return group


def alerts_of(group: Mapping[str, Any], now: float) -> Iterator[Alert]:
    """The alerts of a group, one by one; `now` in Unix seconds tells those that have ended from those that fire where
    they do not say so themselves."""
    more = more_than_these(group)
    for item in group["alerts"]:
        labels, annotations = texts_in(item.get("labels")), object_in(item.get("annotations"))
        said = {
            "title": title_of(annotations.get("summary"), labels.get("alertname"), group.get("title"), "Alert"),
            "message": message_of(message_in(annotations, labels, group) + more),
            "priority": priority_of(labels),
            "data": data_of(item, labels, group),
            **links(item.get("generatorURL"), item.get("dashboardURL"), group.get("externalURL")),
        }
        yield Alert(key_of(item, labels), fires(item, now), said, ends(item))


def whole_of(group: Mapping[str, Any], now: float) -> Alert:
    """A group as one: it fires while one of its alerts does."""
    firing = [item for item in group["alerts"] if fires(item, now) and group.get("status") != "resolved"]
    labels = texts_in(group.get("groupLabels")) or texts_in(group.get("commonLabels"))
    said = {
        "title": title_of(labels.get("alertname"), ", ".join(labels.values()), "Alerts"),
        "message": message_of(list_of(firing, group)),
        "priority": min(
            (priority_of(texts_in(item.get("labels"))) for item in firing), key=PRIORITIES.index, default="low"
        ),
        "data": {"firing": len(firing), **data_of({}, labels, group)},
        **links(*(item.get("generatorURL") for item in firing[:1]), group.get("externalURL")),
    }
    return Alert(group_key(group, labels), bool(firing), said, {"firing": 0})


def list_of(firing: Sequence[Mapping[str, Any]], group: Mapping[str, Any]) -> str:
    """The number of those that fire, and each in a line, as far as there is room."""
    lines = [line_of(item) for item in firing[:LINES]]
    left = group.get("truncatedAlerts")
    more = len(firing) - len(lines) + (left if type(left) is int and left > 0 else 0)
    return "\n".join([f"{len(firing)} firing", *lines, *([f"+{more} more"] if more else [])])


def group_key(group: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """The digest of a group's key, which may be long; of its labels where it has none."""
    key = group.get("groupKey")
    given = key.encode("utf-8", "replace") if type(key) is str and key else canonical(labels)
    return hashlib.sha256(given).hexdigest()


def key_of(item: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """The fingerprint of an alert; the digest of its labels where it has none that can be a key."""
    given = item.get("fingerprint")
    if type(given) is str and own_key_problem(given) is None:
        return given
    return hashlib.sha256(canonical(given or labels)).hexdigest()


def fires(item: Mapping[str, Any], now: float) -> bool:
    """True for an alert that fires: by its status, else because it has not ended."""
    status, end = str(item.get("status", "")).lower(), time_in(item.get("endsAt"))
    if status in ("firing", "resolved"):
        return status == "firing"
    return end is None or parse_time(end) > now


def ends(item: Mapping[str, Any]) -> dict[str, Any]:
    """The time of the end, where it is known."""
    end = time_in(item.get("endsAt"))
    return {} if end is None else {"ends_at": end}


def time_in(value: object) -> str | None:
    """A time in the API's form; None where it is unknown."""
    if type(value) is not str or value.startswith("0001-") or time_problem(value):  # Go's zero time (alertmanager#3341)
        return None
    return normalise_time(value)


def texts_in(value: object) -> dict[str, str]:
    """The labels of an alert, each in a line; at most forty of them."""
    pairs = [(one_line(name, 64), one_line(text)) for name, text in list(object_in(value).items())[:MAX_LABELS]]
    return {name: text for name, text in pairs if name and text}


def priority_of(labels: Mapping[str, str]) -> str:
    """The priority for the label `severity`."""
    return SEVERITIES.get(labels.get("severity", "").lower(), "low")


def message_in(annotations: Mapping[str, Any], labels: Mapping[str, str], group: Mapping[str, Any]) -> str:
    """The text of an alert: what its annotations say, else its labels."""
    said = (plain(annotations.get(name), 8000) for name in ("description", "message"))
    listed = "\n".join(f"{name}: {text}" for name, text in labels.items())
    return next(filter(None, said), "") or listed or plain(group.get("message"), 8000) or "-"


def more_than_these(group: Mapping[str, Any]) -> str:
    """A line for alerts of the group that are not in the body."""
    left = group.get("truncatedAlerts")
    return f"\n+{left} more" if type(left) is int and left > 0 else ""


def line_of(item: Mapping[str, Any]) -> str:
    """An alert in one line of its group."""
    labels, annotations = texts_in(item.get("labels")), object_in(item.get("annotations"))
    said = one_line(annotations.get("summary")) or one_line(annotations.get("description"))
    return "- " + (said or ", ".join(labels.values()) or "an alert")


def data_of(item: Mapping[str, Any], labels: Mapping[str, str], group: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of an alert: `status`, `labels`, times, and its buttons in the form of ntfy's actions."""
    data = {
        "status": "firing",
        "starts_at": time_in(item.get("startsAt")),
        "severity": labels.get("severity"),
        "actions": actions_of(item),
        "receiver": one_line(group.get("receiver")),
        "labels": dict(labels),
        "values": item.get("values"),
    }
    return fitting(data, "values", "labels", "actions", "receiver")


def actions_of(item: Mapping[str, Any]) -> Sequence[dict[str, str]]:
    """The addresses that Grafana names, and that of a runbook, as buttons."""
    named = [(label, item.get(name)) for label, name in BUTTONS]
    named.append(("Runbook", object_in(item.get("annotations")).get("runbook_url")))
    return [{"action": "view", "label": label, "url": str(url)} for label, url in named if is_link(url)]
