"""Checks of a set-up, each with a cure for what is wrong. `notifier doctor` prints them."""

from notifier.doctor.data import check_data, repair_data
from notifier.doctor.findings import Finding, Level
from notifier.doctor.keeping import check_keeping
from notifier.doctor.machine import check_clock, check_data_dir, check_files, check_port, check_tls
from notifier.doctor.server import check_problems, check_round_trip
from notifier.doctor.store import check_embedded, check_external

__all__ = [
    "Finding",
    "Level",
    "check_clock",
    "check_data",
    "check_data_dir",
    "check_embedded",
    "check_external",
    "check_files",
    "check_keeping",
    "check_port",
    "check_problems",
    "check_round_trip",
    "check_tls",
    "repair_data",
]
