"""The audit line of every action on the operators' API."""

from __future__ import annotations

import logging

from sanic import Request

from notifier.web.auth import caller_of

log = logging.getLogger("notifier.audit")


def audit(request: Request, action: str, target: str, **facts: object) -> None:
    """Writes who did what to whom, and from where."""
    who = {"caller": caller_of(request).name, "remote": request.ip}
    log.info("admin.action", extra={"action": action, "target": target, **who, **facts})
