"""The whole door of ntfy."""

from __future__ import annotations

from notifier.web.doors.ntfy.account import Accounts
from notifier.web.doors.ntfy.publishing import Publishing


class Ntfy(Publishing, Accounts):
    """All that ntfy's clients ask for."""
