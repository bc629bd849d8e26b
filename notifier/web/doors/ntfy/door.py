"""The whole door of ntfy."""

from __future__ import annotations

from notifier.web.doors.ntfy.publishing import Publishing


class Ntfy(Publishing):
    """All that ntfy's clients ask for."""
