"""Tokens of devices: what they are, and how they are told from others."""

from __future__ import annotations

from typing import NamedTuple

from notifier.domain.doors import has_form, new_token
from notifier.domain.users import User

MAX_DEVICES = 32  # of one user
MAX_NAME = 64
_FORM = "ntfy"  # ntfy's clients take what has the form of its tokens alone


class Device(NamedTuple):
    """A token without its secret and hash; times in Unix seconds. `expires_at` None: it has no end but a year
    without use."""

    id: str
    user: User
    name: str
    created_at: float
    expires_at: float | None
    last_used: float | None


def new_device_token() -> str:
    """A new token, with 149 random bits."""
    return new_token(_FORM)


def may_be_device_token(text: str) -> bool:
    """True for text in the form of a device's token, which is that of keys for ntfy's door, too."""
    return has_form(_FORM, text)
