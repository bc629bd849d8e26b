"""`notifier serve`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from notifier.cli import Failure
from notifier.config import DEFINITIONS, Definition, Settings, SettingsError, load

EPILOG = """\b
Examples:
  notifier serve                             on http://localhost:8080, with its own Redis
  notifier serve --addr 0.0.0.0:9000         on every interface
  notifier serve --redis-addr redis://db:6379/0
  notifier serve --workers 4                 four processes on one port
  notifier serve --config notifier.yaml      keys are the variables in lower case

Every setting is also a variable of the environment; see README.md.
"""


def setting_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds an option for each setting with a flag."""
    for definition in reversed(DEFINITIONS):
        if definition.setting.flag:
            function = click.option(definition.flag, definition.name, help=_help_text(definition))(function)
    return function


def _help_text(definition: Definition) -> str:
    meaning, default = definition.setting.meaning, definition.setting.default
    shown = f"  [default: {default}]" if isinstance(default, str) and default else ""
    return f"{meaning[0].upper()}{meaning[1:]}.{shown}"


@click.command("serve", epilog=EPILOG)
@setting_options
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes on the one port, each an instance.",
)
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="YAML file with settings.")
def command(config: Path | None, workers: int, **flags: Any) -> int:
    """Run the server: HTTP, WebSocket and deliveries, with its own Redis unless --redis-addr names one."""

    def read() -> Settings:
        return load(flags, os.environ, config)

    try:
        settings = read()
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    from notifier.serving import libraries

    libraries.load()
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
