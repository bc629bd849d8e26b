"""The dashboard's own two themes; Textual's stand beside them."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="notifier-dark",
    primary="#6cb6ff",
    secondary="#b392f0",
    success="#56d19b",
    warning="#f0b648",
    error="#ff7b72",
    accent="#4fd6d2",
    foreground="#d7dde5",
    background="#0f1319",
    surface="#141a22",
    panel="#1d2530",
    dark=True,
    variables={"border": "#3a4657", "border-blurred": "#2a3442"},
)
LIGHT = Theme(
    name="notifier-light",
    primary="#0b5cad",
    secondary="#6f42c1",
    success="#1a7f4b",
    warning="#9a5b00",
    error="#b3261e",
    accent="#0b7285",
    foreground="#1d2630",
    background="#f4f6f8",
    surface="#fbfcfd",
    panel="#e3e8ee",
    dark=False,
    variables={"border": "#9aa7b5", "border-blurred": "#c3ccd6"},
)
OWN = (DARK, LIGHT)
DEFAULT = DARK.name
# What is drawn without colour: the terminal's own two.
PLAIN = "ansi-dark"
