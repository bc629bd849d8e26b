"""The channels and priorities of deliveries. The scripts in Redis are given these very words."""

from __future__ import annotations

from collections.abc import Sequence

CHANNELS = ("sms", "email", "push", "webhook", "inapp")
PRIORITIES = ("high", "normal", "low")


def lua_words() -> str:
    """The same as the Lua lists `CHANNELS` and `PRIORITIES`, and as the sets `IS_CHANNEL` and `IS_PRIORITY`."""
    lines = (
        f"local CHANNELS = {_lua(CHANNELS)}",
        f"local PRIORITIES = {_lua(PRIORITIES)}",
        f"local IS_CHANNEL = {_lua_set(CHANNELS)}",
        f"local IS_PRIORITY = {_lua_set(PRIORITIES)}",
    )
    return "\n".join(lines) + "\n"


def _lua(words: Sequence[str]) -> str:
    return "{" + ", ".join(f"'{word}'" for word in words) + "}"


def _lua_set(words: Sequence[str]) -> str:
    return "{" + ", ".join(f"{word} = true" for word in words) + "}"
