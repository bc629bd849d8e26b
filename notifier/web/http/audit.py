"""The audit line of every action on the operators' API."""

from __future__ import annotations

import logging

from notifier.web.http.mount import Call
from notifier.web.http.requests import request_id

log = logging.getLogger("notifier.audit")


def audit(call: Call, action: str, target: str, **facts: object) -> None:
    """Logs an operator's action: caller, target, address; `facts` name a user, connection or delivery by its id."""
    caller, request = call.caller, call.request
    who = {"caller": caller.name} | ({"key_id": caller.key_id} if caller.key_id else {})
    who |= {"remote": request.ip, "request_id": request_id(request)}
    log.info("admin.action", extra={"action": action, "target": target, **who, **facts})
