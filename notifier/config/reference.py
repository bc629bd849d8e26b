"""The reference of the settings, made from their fields."""

from __future__ import annotations

from notifier.config.settings import DEFINITIONS, Definition


def reference() -> str:
    """All settings as a Markdown table: variable, default, meaning, and whether SIGHUP applies a change."""
    lines = ["| variable | default | meaning | SIGHUP |", "| --- | --- | --- | --- |"]
    for item in DEFINITIONS:
        lines.append(f"| `{item.variable}` | {_shown(item)} | {item.setting.meaning} | {'yes' if item.live else ''} |")
    return "\n".join(lines)


def _shown(item: Definition) -> str:
    default = item.setting.default
    return "*(computed)*" if callable(default) else f"`{default}`" if default else "*(empty)*"
