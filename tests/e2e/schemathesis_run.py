"""Requests made up from the API's own description, by schemathesis: `make schemathesis`.

Every check that it knows is on: statuses, content types, headers and bodies are as described, what the description
forbids is refused, what it allows is taken, methods and tokens are minded, nothing is answered with 500.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from tests.e2e.server import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "an-admin-token-of-32-characters-x"
NOTIFY = "/api/v1/notify"
# One answers with 101, which is no HTTP any more, the other with a stream that has no end. Both have tests of their own.
LEFT_OUT = ("/ws", "/api/v1/admin/events")
# A batch is taken although items of it are not valid: these are answered with their errors. Sessions are a list, which
# is empty once they are forgotten.
CONFIG = """hooks = "tests.e2e.schemathesis_hooks"
[[operations]]
include-name = "POST /api/v1/notifications/batch"
checks.negative_data_rejection.enabled = false
[[operations]]
include-name = "GET /api/v1/sessions/{user_id}"
checks.use_after_free.enabled = false
"""
BEARER = """[auth.openapi.bearer]
bearer = "%s"
"""


async def run(url: str, token: str, *arguments: str) -> tuple[int, str]:
    """Runs schemathesis against a server; its exit code and its output. `token` may be empty: then none is sent."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "schemathesis.toml")
        config.write_text(CONFIG + (BEARER % token if token else ""))
        command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(config)]
        command += ["run", f"{url}/openapi.json", "--url", url, "--continue-on-failure"]
        process = await asyncio.create_subprocess_exec(
            *command,
            *arguments,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


def everything() -> list[str]:
    """The arguments that choose every route but those left out."""
    return [word for path in LEFT_OUT for word in ("--exclude-path", path)]


async def main(seconds: int) -> int:
    """The long run: all routes with a token, then the busiest without, which is the express lane's."""
    worst = 0
    for settings, chosen in (
        ({"AUTH_MODE": "token", "ADMIN_TOKEN": TOKEN}, everything()),
        ({}, ["--include-path", NOTIFY]),
    ):
        with tempfile.TemporaryDirectory(prefix="notifier-") as folder:
            data = Path(folder, "data")
            data.mkdir()
            server = ServerProcess(data, **settings)
            await server.start()
            try:
                code, output = await run(
                    server.url,
                    settings.get("ADMIN_TOKEN", ""),
                    "--max-time",
                    str(seconds),
                    "--max-examples",
                    "500",
                    *chosen,
                )
            finally:
                await server.stop()
        print(output)
        worst = max(worst, code)
    return worst


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=120, help="for each of the two runs")
    raise SystemExit(asyncio.run(main(parser.parse_args().seconds)))
