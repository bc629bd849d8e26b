"""The channels and priorities of deliveries. The scripts in Redis are given these very words."""

from __future__ import annotations

from collections.abc import Sequence

CHANNELS = ("sms", "email", "push", "webhook", "inapp")
PRIORITIES = ("high", "normal", "low")


def lua_words() -> str:
    """The same as the Lua tables `CHANNELS` and `PRIORITIES`."""
    return f"local CHANNELS = {_lua(CHANNELS)}\nlocal PRIORITIES = {_lua(PRIORITIES)}\n"


def _lua(words: Sequence[str]) -> str:
    return "{" + ", ".join(f"'{word}'" for word in words) + "}"
