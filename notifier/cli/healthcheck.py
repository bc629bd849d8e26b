"""`notifier healthcheck`."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import click

from notifier.cli import Failure
from notifier.cli.options import server_options
from notifier.cli.text import safe

EPILOG = """\b
Examples:
  notifier healthcheck
  notifier healthcheck --url http://localhost:9000 --timeout 2
"""


@click.command("healthcheck", epilog=EPILOG)
@server_options
@click.option("--timeout", default=3.0, type=click.FloatRange(0.1, 60), show_default=True, help="Seconds to wait.")
def command(url: str, token: str | None, timeout: float) -> None:
    """Exit 0 when the server at --url is healthy, 1 when it is not."""
    status, body = _ask(url, timeout)
    if status != 200 or not _is_ok(body):
        raise Failure(f"{url} is not healthy: {safe(_failing(body))}")
    click.echo(f"{url} is healthy")


def _ask(url: str, timeout: float) -> tuple[int, bytes]:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "localhost", parts.port, timeout=timeout)
    try:
        connection.request("GET", f"{parts.path}/health")
        response = connection.getresponse()
        return response.status, response.read(65536)
    except (OSError, http.client.HTTPException) as error:
        reason = safe(str(error).strip() or type(error).__name__)
        raise Failure(f"no server answers at {url}: {reason}; is it running?") from None
    finally:
        connection.close()


def _is_ok(body: bytes) -> bool:
    try:
        report = json.loads(body)
        # A store that takes writes serves, though its set-up may lose them: restarting this server would mend nothing.
        return bool(report["status"] == "ok" or report["components"]["redis"].get("writes") == "accepted")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def _failing(body: bytes) -> str:
    try:
        components = json.loads(body)["components"]
        failing = [name for name, facts in components.items() if facts.get("status") not in ("ok", "off")]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return "it gives no report of its health"
    return f"{', '.join(failing)} failing" if failing else "it says so"
