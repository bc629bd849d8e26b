"""GitHub's webhooks, those of Gitea and Forgejo, which send the same, and GitLab's, which sends the secret itself.

Every event becomes one notification; the usual ones have a text of their own. A delivery is known by its id, so that
its redelivery stores nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from sanic import HTTPResponse, Request

from notifier.domain.bodies import read_json
from notifier.errors import ErrorCode, NotifierError
from notifier.service.doors import Visitor
from notifier.web.doors.base import json_answer
from notifier.web.doors.hooks import (
    Hook,
    fitting,
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

SIGNATURE, PREFIX = "x-hub-signature-256", "sha256="
GITLAB_EVENT, GITLAB_SECRET = "x-gitlab-event", "x-gitlab-token"
DELIVERIES = ("x-github-delivery", "idempotency-key")  # the second is GitLab's, since 17.4
FORM = "application/x-www-form-urlencoded"
COMMITS = 10  # of a push that are listed
BAD = ("failure", "timed_out", "startup_failure", "error", "action_required")  # GitHub's conclusions and states
GOOD = ("success", "neutral", "skipped")

Event = Mapping[str, Any]
Said = dict[str, Any]


class GitHub(Hook):
    """`/hooks/github`."""

    async def take(self, request: Request) -> HTTPResponse:
        """Stores a notification of the event; `ping`, by which GitHub tries a new hook, is answered alone."""
        visitor = await self.visitor_of(request)
        check_signature(request, visitor)
        event, gitlab = event_in(request), GITLAB_EVENT in request.headers
        kind = one_line(request.headers.get(GITLAB_EVENT if gitlab else "x-github-event", ""), 64)
        if not kind:
            raise NotifierError(ErrorCode.BAD_REQUEST, "X-GitHub-Event is missing")
        if kind == "ping":
            return json_answer({"pong": True})
        targets = self.targets_of(request, visitor)
        said = (gitlab_said if gitlab else said_of)(kind, event) | lasting(request)
        delivery = next(filter(None, (one_line(request.headers.get(name, ""), 128) for name in DELIVERIES)), "")
        rows = await self.service.publish(visitor, targets, said, f"github {delivery}" if delivery else None)
        return json_answer({"notifications": [row.notification_id for row in rows]})


def check_signature(request: Request, visitor: Visitor) -> None:
    """Raises `NotifierError(unauthenticated)` unless the body is signed with the key's secret, or GitLab names it.

    Nothing is checked where no key came (`AUTH_MODE=none`), and of a key of the API, which may send by itself."""
    secret, given = visitor.terms.secret, request.headers.get(SIGNATURE, "")
    if not visitor.terms.to:
        return
    if not secret:
        raise unsigned("this key has no secret to check X-Hub-Signature-256 with: make one with --secret-file")
    if not given and GITLAB_SECRET in request.headers:
        named = request.headers[GITLAB_SECRET].encode("utf-8", "replace")
        if not hmac.compare_digest(named, secret.encode()):
            raise unsigned("X-Gitlab-Token is not the secret of this key")
        return
    if not given.startswith(PREFIX):
        raise unsigned("X-Hub-Signature-256 is missing: set the hook's secret")
    if not is_signed(secret, request.body, given.removeprefix(PREFIX)):
        raise unsigned("X-Hub-Signature-256 is not the signature of this body: the secrets differ")


def event_in(request: Request) -> dict[str, Any]:
    """The event in a body, as JSON or as the field `payload` of a form. Raises `NotifierError(bad_request)`."""
    body = request.body
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == FORM:
        try:
            body = parse_qs(body, max_num_fields=10).get(b"payload", [b""])[0]
        except ValueError:
            raise NotifierError(ErrorCode.BAD_REQUEST, "the form has too many fields") from None
    event = read_json(body)
    if type(event) is not dict:
        raise NotifierError(ErrorCode.BAD_REQUEST, "the body must be an object")
    return event


def said_of(kind: str, event: Event) -> Said:
    """The fields of a notification of an event."""
    repository, sender = object_in(event.get("repository")), object_in(event.get("sender"))
    said = TEXTS[kind](event) if kind in TEXTS else other(kind, event)
    where = one_line(repository.get("full_name")) or one_line(object_in(event.get("organization")).get("login"))
    data = {
        "event": kind,
        "action": one_line(event.get("action"), 64),
        "repository": where,
        "sender": one_line(sender.get("login"), 64),
        "state": said.get("state"),
    }
    by = f"by {data['sender']}" if data["sender"] else where or kind
    return {
        "title": title_of(f"{where}: {said['title']}" if where else said["title"]),
        "message": message_of(said.get("message"), by),
        "priority": said.get("priority", "normal"),
        "data": fitting(data),
        **links(said.get("url"), repository.get("html_url")),
    }


def gitlab_said(kind: str, event: Event) -> Said:
    """The fields of a notification of GitLab's event: what it is about stands in `object_attributes`."""
    item, project = object_in(event.get("object_attributes")), object_in(event.get("project"))
    user, where = object_in(event.get("user")), one_line(project.get("path_with_namespace"))
    action = one_line(item.get("action") or item.get("status") or item.get("state"), 64)
    sender = one_line(user.get("username") or event.get("user_username"), 64)
    number = one_line(item.get("iid"), 64)
    head = " ".join(filter(None, (kind.removesuffix(" Hook").lower(), f"#{number}" if number else "", action)))
    data = {"event": kind, "action": action, "repository": where, "sender": sender}
    return {
        "title": title_of(f"{where}: {head}" if where else head),
        "message": message_of(
            item.get("title"), item.get("note"), event.get("ref"), f"by {sender}" if sender else kind
        ),
        "priority": "high" if action == "failed" else "normal",
        "data": fitting(data),
        **links(item.get("url"), project.get("web_url")),
    }


def other(kind: str, event: Event) -> Said:
    """Any event, in one line."""
    return {"title": " ".join(filter(None, (kind, one_line(event.get("action"), 64)))).replace("_", " ")}


def push(event: Event) -> Said:
    """A branch or tag that was pushed, made or deleted."""
    kind, _, name = one_line(event.get("ref")).removeprefix("refs/").partition("/")
    what = f"tag {name}" if kind == "tags" else name or kind
    if event.get("deleted") is True:
        return {"title": f"{what} deleted", "url": event.get("compare")}
    found = event.get("commits")
    commits = [object_in(item) for item in found] if type(found) is list else []
    lines = [commit_line(commit) for commit in commits[:COMMITS]]
    if len(commits) > COMMITS:
        lines.append(f"+{len(commits) - COMMITS} more")
    how = "force-pushed" if event.get("forced") is True else "new" if event.get("created") is True else "pushed"
    counted = f"{len(commits)} commit{'' if len(commits) == 1 else 's'} {how} to {what}" if commits else f"{what} {how}"
    return {"title": counted, "message": "\n".join(lines), "url": event.get("compare")}


def commit_line(commit: Event) -> str:
    """A commit in one line: the head of its id, of its message, its author."""
    first = one_line(plain(commit.get("message"), 1000).partition("\n")[0], 120)
    author = one_line(object_in(commit.get("author")).get("name"), 64)
    return f"{one_line(commit.get('id'))[:7]} {first}{f' ({author})' if author else ''}"


def numbered(name: str, what: str) -> Callable[[Event], Said]:
    """The text of what has a number and a title."""

    def text(event: Event) -> Said:
        item = object_in(event.get(name))
        action = one_line(event.get("action"), 64).replace("_", " ")
        if name == "pull_request" and action == "closed" and item.get("merged") is True:
            action = "merged"
        head = one_line(item.get("title"))
        body = plain(item.get("body"), 2000) if action in ("opened", "created") else ""
        return {
            "title": f"{what} #{one_line(item.get('number'))} {action}",
            "message": "\n\n".join(filter(None, (head, body))),
            "url": item.get("html_url"),
            "state": one_line(item.get("state"), 64),
        }

    return text


def issue_comment(event: Event) -> Said:
    """A comment on an issue or a pull request."""
    issue, comment = object_in(event.get("issue")), object_in(event.get("comment"))
    what = "pull request" if issue.get("pull_request") else "issue"
    action = one_line(event.get("action"), 64)
    verb = "comment" if action == "created" else f"comment {action}"
    return {
        "title": f"{verb} on {what} #{one_line(issue.get('number'))} {one_line(issue.get('title'), 120)}",
        "message": comment.get("body"),
        "url": comment.get("html_url"),
    }


def run(name: str, what: str) -> Callable[[Event], Said]:
    """The text of checks that run and end."""

    def text(event: Event) -> Said:
        item = object_in(event.get(name))
        state = one_line(item.get("conclusion") or item.get("status") or event.get("action"), 64)
        called = one_line(item.get("name") or object_in(item.get("app")).get("name"))
        branch, commit = one_line(item.get("head_branch")), one_line(item.get("head_sha"))[:7]
        return {
            "title": f"{what} {called} {state.replace('_', ' ')}".replace("  ", " "),
            "message": " ".join(filter(None, (branch, commit, one_line(item.get("display_title"))))),
            "url": item.get("html_url"),
            "state": state,
            "priority": priority_of(state),
        }

    return text


def release(event: Event) -> Said:
    """A release, with its notes."""
    item = object_in(event.get("release"))
    name = one_line(item.get("name")) or one_line(item.get("tag_name"))
    action = one_line(event.get("action"), 64)
    return {"title": f"release {name} {action}", "message": item.get("body"), "url": item.get("html_url")}


def deployment_status(event: Event) -> Said:
    """A deployment that got on, or failed."""
    item, deployment = object_in(event.get("deployment_status")), object_in(event.get("deployment"))
    state = one_line(item.get("state"), 64)
    where = one_line(item.get("environment") or deployment.get("environment"))
    commit = one_line(deployment.get("sha"))[:7]
    return {
        "title": f"deployment to {where} {state.replace('_', ' ')}",
        "message": item.get("description") or " ".join(filter(None, (one_line(deployment.get("ref")), commit))),
        "url": item.get("environment_url") or item.get("target_url") or item.get("log_url"),
        "state": state,
        "priority": priority_of(state),
    }


def dependabot_alert(event: Event) -> Said:
    """A vulnerable dependency."""
    alert = object_in(event.get("alert"))
    advisory = object_in(alert.get("security_advisory"))
    dependency = object_in(object_in(alert.get("dependency")).get("package"))
    severity, action = one_line(advisory.get("severity"), 64), one_line(event.get("action"), 64).replace("_", " ")
    named = " ".join(filter(None, (severity, one_line(dependency.get("name")))))
    open_now = one_line(alert.get("state"), 64) == "open"
    return {
        "title": f"dependabot alert {action}: {named}",
        "message": advisory.get("summary"),
        "url": alert.get("html_url"),
        "state": one_line(alert.get("state"), 64),
        "priority": {"critical": "high", "high": "high", "low": "low"}.get(severity, "normal") if open_now else "low",
    }


def priority_of(state: str) -> str:
    """High for what failed, normal for what went well, low for what still runs."""
    return "high" if state in BAD else "normal" if state in GOOD else "low"


TEXTS: dict[str, Callable[[Event], Said]] = {
    "push": push,
    "pull_request": numbered("pull_request", "pull request"),
    "issues": numbered("issue", "issue"),
    "issue_comment": issue_comment,
    "workflow_run": run("workflow_run", "workflow"),
    "check_suite": run("check_suite", "checks"),
    "release": release,
    "deployment_status": deployment_status,
    "dependabot_alert": dependabot_alert,
}
