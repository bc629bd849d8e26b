"""Reads settings from flags, the environment and a YAML file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from notifier.config.settings import DEFINITIONS, Definition, Secret, Settings, SettingsError

MAX_SHOWN = 200  # characters of a wrong value
ADDRESS_ALIASES = ("HTTP_PORT", "PORT")
_IN_URL = re.compile(r"//.*@")  # a user and a password


def load(flags: Mapping[str, Any], environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """The settings: a flag beats the environment, that beats the file, that the default.

    `flags` holds values by attribute name; None is not set. An empty variable of the environment is not set either.
    Raises `SettingsError` for the first that is wrong.
    """
    written = read_file(file) if file is not None else {}
    kafka = written.pop("kafka", {})
    if not isinstance(kafka, dict):
        raise SettingsError("kafka: expected librdkafka options, one per line")
    found = {d.name: _find(d, flags, environment, written) for d in DEFINITIONS}
    settings = Settings(**found, kafka={str(name): Secret(value) for name, value in kafka.items()})
    _check_together(settings)
    return settings


def read_file(path: Path) -> dict[str, Any]:
    """The settings in a YAML file; raises `SettingsError` when it cannot be read or holds an unknown key."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise SettingsError(f"--config {path}: {error.strerror or error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError(f"--config {path}: is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"--config {path}: expected settings, one per line, such as server_addr: :8080")
    for key, value in content.items():
        if not _is_flat(value):
            raise SettingsError(f"--config {path}: {str(key)[:64]}: expected a value or a list of values")
    unknown = [str(key) for key in content if key not in {d.name for d in DEFINITIONS} | {"kafka"}]
    if unknown:
        raise SettingsError(f"--config {path}: unknown setting {unknown[0]!r}")
    return content


def _is_flat(value: Any) -> bool:
    """False for a list or table within another: with aliases a short file can nest them without end, and to write
    that out would take all memory."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not any(isinstance(part, (dict, list)) for part in parts)


def _find(
    definition: Definition, flags: Mapping[str, Any], environment: Mapping[str, str], written: Mapping[str, Any]
) -> Any:
    name = definition.name
    if flags.get(name) is not None:
        return _read(definition, definition.flag, flags[name])
    for variable in (definition.variable, *(ADDRESS_ALIASES if name == "server_addr" else ())):
        if environment.get(variable):
            return _read(definition, variable, environment[variable])
    if written.get(name) is not None:
        return _read(definition, name, written[name])
    return definition.default


def _read(definition: Definition, where: str, value: Any) -> Any:
    try:
        return definition.read(value)
    except ValueError as error:
        shown = "(hidden)" if definition.secret else _IN_URL.sub("//***@", repr(value))
        shown = shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}…"
        raise SettingsError(f"{where}: {shown} is not valid: expected {error}") from None


def _check_together(settings: Settings) -> None:
    if settings.jwt_secret and len(settings.jwt_secret.encode()) < 32:
        raise SettingsError("JWT_SECRET: (hidden) is not valid: expected 32 bytes or more (RFC 7518 §3.2)")
    if settings.auth_mode == "token" and not (settings.admin_token or settings.jwt_secret or settings.jwks_url):
        raise SettingsError(
            "AUTH_MODE: 'token' alone refuses every caller: expected ADMIN_TOKEN, JWT_SECRET or JWKS_URL with it"
        )
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise SettingsError("TLS_CERT and TLS_KEY: expected both or none")
