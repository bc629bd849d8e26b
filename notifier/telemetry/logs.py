"""Logging set-up: every record to stderr through structlog, as JSON lines or as text, without control characters."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

_CONTROL_BEYOND_ASCII = re.compile("[\x7f-\x9f\u2028\u2029]")


def configure_logging(level: str, form: str, pod: str) -> None:
    """Sends all logs to stderr: `form` is `json`, `text`, or `auto` (coloured text on a terminal, JSON otherwise)."""
    structlog = _import_structlog()
    shared = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    if form == "json" or (form == "auto" and not terminal):
        render = structlog.processors.JSONRenderer(ensure_ascii=False)
        tail = [structlog.processors.format_exc_info, render, _escape_line]
        shared.append(_add_pod(pod))
    else:
        plain = structlog.dev.plain_traceback
        tail = [
            _escape_values,
            structlog.dev.ConsoleRenderer(colors=terminal, exception_formatter=plain, pad_event_to=28),
        ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("sanic.root", "sanic.error", "sanic.access", "sanic.server", "sanic.websockets"):
        # Below a warning Sanic logs its own steps, and upgrades with their whole query, which may hold a token.
        logging.getLogger(name).setLevel(logging.WARNING)


def _escape_values(_logger: object, _name: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Escapes control characters: texts of a line may come from a caller, and the terminal would obey them."""
    return {name: _escaped(value) if isinstance(value, str) else value for name, value in facts.items()}


def _escape_line(_logger: object, _name: str, line: str) -> str:
    """Escapes control characters that JSON leaves as they are, and terminals and readers of lines obey."""
    return _CONTROL_BEYOND_ASCII.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _escaped(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _import_structlog():  # type: ignore[no-untyped-def]
    # structlog.dev imports rich when it is there, for tracebacks that are not used here: 4.6 MiB of every server.
    hidden = sys.modules.get("rich")
    if hidden is None:
        sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog
        import structlog.dev
        import structlog.stdlib
    finally:
        if hidden is None:
            del sys.modules["rich"]
    return structlog


def _add_pod(pod: str):  # type: ignore[no-untyped-def]
    def add(_logger: object, _method: str, event: dict[str, object]) -> dict[str, object]:
        event["pod_id"] = pod
        return event

    return add
