"""Contexts: named servers in `contexts.toml`, in the user's configuration folder; `notifier tui @prod` opens one.

    [prod]
    url = "https://notify.example.org"
    token_file = "prod.token"      # beside this file, or a whole path; mode 0600
    read_only = true

    [eu]
    url = "https://eu.example.org"
    token_env = "EU_TOKEN"         # or the name of an environment variable

A token itself does not stand in the file, which is often copied and shown. No Textual.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tui.preferences import default_path
from tui.safe import safe

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
FIELDS = ("url", "token_file", "token_env", "read_only")
SIZE_MAX = 64 * 1024
_GROUP_OR_OTHERS, _WRITABLE_BY_OTHERS = 0o077, 0o022


@dataclass(frozen=True)
class Context:
    """A server, and how it is opened."""

    name: str
    url: str
    token: str | None
    read_only: bool


def contexts_path() -> Path:
    """`contexts.toml` in the user's configuration folder for notifier."""
    return default_path().with_name("contexts.toml")


def find(name: str, path: Path | None = None) -> Context:
    """The context of this name, its token read. Raises `ValueError` with a line for the user."""
    path = path or contexts_path()
    found = _all(path)
    if name not in found:
        known = ", ".join(f"@{each}" for each in sorted(found) if NAME.fullmatch(each)) or "none"
        raise ValueError(f"there is no context @{safe(name)} in {path}; there are: {known}")
    table = found[name]
    if not isinstance(table, dict):
        raise ValueError(f"[{name}] in {path} must be a table with a url")
    return _read(name, table, path)


def _read(name: str, table: dict[str, Any], path: Path) -> Context:
    where = f"[{name}] in {path}"
    if "token" in table:
        raise ValueError(f"{where}: a token does not stand in this file; write it to a file of mode 0600, token_file")
    if unknown := [safe(field) for field in table if field not in FIELDS]:
        raise ValueError(f"{where}: there is no field {unknown[0]}; there are {', '.join(FIELDS)}")
    texts = [table.get(field, "") for field in FIELDS[:3]]
    if not all(isinstance(text, str) for text in texts) or not isinstance(table.get("read_only", False), bool):
        raise ValueError(f"{where}: {', '.join(FIELDS[:3])} are texts, read_only is true or false")
    url, token_file, token_env = texts
    if not url or "@" in urlsplit(url).netloc:
        raise ValueError(f'{where}: url must be one such as "https://notify.example.org", without a user in it')
    if token_file and token_env:
        raise ValueError(f"{where}: give token_file or token_env, not both")
    return Context(name, url, _token(where, path, token_file, token_env), table.get("read_only", False))


def _token(where: str, path: Path, file: str, variable: str) -> str | None:
    if variable:
        found = os.environ.get(variable, "")
        if not found:
            raise ValueError(f"{where}: the environment variable {safe(variable)} is not set")
        return found
    if not file:
        return None
    return _secret(path.parent / Path(file).expanduser())


def _secret(path: Path) -> str:
    """The token in a file that its owner alone may read."""
    token = _text(path, _GROUP_OR_OTHERS, "can be read by others").strip()
    if not token or not (token.isascii() and token.isprintable()):
        raise ValueError(f"{path} must hold a token, and nothing else")
    return token


def _all(path: Path) -> dict[str, Any]:
    text = _text(path, _WRITABLE_BY_OTHERS, "can be written by others")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is no TOML: {safe(str(error))}") from error


def _text(path: Path, forbidden: int, said: str) -> str:
    """The text of a file whose mode has none of the `forbidden` bits; the file that is checked is the one read."""
    try:
        with path.open("rb") as file:
            _check(path, os.fstat(file.fileno()), forbidden, said)
            return file.read(SIZE_MAX).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8 text") from error
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from error


def _check(path: Path, found: os.stat_result, forbidden: int, said: str) -> None:
    if os.name == "nt":
        return
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path} is no file")
    if found.st_uid not in (os.geteuid(), 0):
        raise ValueError(f"{path} belongs to somebody else")
    mode = stat.S_IMODE(found.st_mode)
    if mode & forbidden:
        raise ValueError(f"{path} {said} ({mode:04o}); chmod 600 {path}")
