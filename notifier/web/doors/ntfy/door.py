"""The whole door of ntfy."""

from __future__ import annotations

from notifier.web.doors.ntfy.account import Accounts
from notifier.web.doors.ntfy.publishing import Publishing
from notifier.web.doors.ntfy.subscribing import Subscribing


class Ntfy(Publishing, Subscribing, Accounts):
    """All that ntfy's clients ask for."""
