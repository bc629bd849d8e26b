"""The settings' own description."""

from __future__ import annotations

from notifier.config.settings import DEFINITIONS


def reference() -> str:
    """All settings as a Markdown table: variable, default, meaning, and whether SIGHUP applies a change."""
    lines = ["| variable | default | meaning | SIGHUP |", "| --- | --- | --- | --- |"]
    for item in DEFINITIONS:
        default = "*(computed)*" if item.default is None else f"`{item.default}`" if item.default else "*(empty)*"
        lines.append(f"| `{item.variable}` | {default} | {item.meaning} | {'yes' if item.live else ''} |")
    return "\n".join(lines)
