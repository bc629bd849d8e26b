"""`notifier serve`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from notifier.cli import Failure

EPILOG = """\b
Examples:
  notifier serve                             on http://localhost:8080, with its own Redis
  notifier serve --addr 0.0.0.0:9000         on every interface
  notifier serve --redis-addr redis://db:6379/0
  notifier serve --workers 4                 four processes on one port
  notifier serve --config notifier.yaml      keys are the variables in lower case

Every setting is also a variable of the environment; see README.md.
"""


@click.command("serve", epilog=EPILOG)
@click.option("--addr", "server_addr", help="host:port or :port to listen on.  [default: :8080]")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, help="Processes on the one port, each a pod.  [default: 1]"
)
@click.option("--roles", help="What this pod does.  [default: http,delivery,kafka]")
@click.option("--redis-addr", help="The store; without it the embedded Redis is started.")
@click.option("--data-dir", help="Folder of the embedded Redis.")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="YAML file with settings.")
@click.option("--pod-id", help="Name of this process.  [default: the host's name]")
def command(config: Path | None, workers: int, **flags: Any) -> int:
    """Run the server: HTTP, WebSocket and workers, with its own Redis unless --redis-addr names one."""
    from notifier.config import Settings, SettingsError, load

    def read() -> Settings:
        return load(flags, os.environ, config)

    try:
        settings = read()
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    from notifier.pod.pipeline import check_providers
    from notifier.providers.base import SetupError
    from notifier.serving.process import StartError, run

    try:
        check_providers(settings)
    except SetupError as error:
        raise click.UsageError(str(error)) from None

    try:
        if workers == 1:
            return run(settings, read)
        from notifier.serving.supervisor import run_workers

        return run_workers(settings, workers, read)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    except StartError as error:
        raise Failure(str(error)) from None
