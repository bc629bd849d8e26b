"""The result of a check."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """Severity: `fail` makes the command fail, a `note` is for the operator to weigh."""

    OK = "ok"
    NOTE = "note"
    FAIL = "fail"


class Finding(NamedTuple):
    """One thing that was looked at: what was found, and for what is not `ok` what to do about it."""

    check: str
    level: Level
    found: str
    cure: str = ""


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, found)


def note(check: str, found: str, cure: str) -> Finding:
    """It works, within limits that the operator should know."""
    return Finding(check, Level.NOTE, found, cure)


def fail(check: str, found: str, cure: str) -> Finding:
    """It does not work, or loses data."""
    return Finding(check, Level.FAIL, found, cure)
