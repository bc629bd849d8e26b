"""The settings: one typed tree from flags, environment, file and defaults (in this order of precedence)."""

from notifier.config.load import load, read_file
from notifier.config.reference import reference
from notifier.config.reload import Change, compare
from notifier.config.settings import DEFINITIONS, Definition, Setting, Settings, SettingsError

__all__ = [
    "DEFINITIONS",
    "Change",
    "Definition",
    "Setting",
    "Settings",
    "SettingsError",
    "compare",
    "load",
    "read_file",
    "reference",
]
