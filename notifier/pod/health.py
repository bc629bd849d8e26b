"""The body of `/health`, from what this instance knows at this moment: nothing is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from notifier.domain.problems import Problem, plain_words_for
from notifier.duties.duty import Duty
from notifier.pod.identity import Identity
from notifier.pod.store_state import StoreState

Report = Callable[[], dict[str, Any]]


class HealthReport:
    """Health of one instance: its status is that of the store, without which nothing works."""

    def __init__(
        self,
        identity: Identity,
        store: StoreState,
        duties: Sequence[Duty],
        kafka: Report,
        providers: Report,
        problems: Callable[[], list[Problem]],
        now: Callable[[], float],
    ) -> None:
        """`kafka` and `providers` return the fields of their part of the report; `problems` those of the cluster,
        worst first; `now` is Redis' time."""
        self._identity = identity
        self._store = store
        self._duties = duties
        self._kafka = kafka
        self._providers = providers
        self._problems = problems
        self._now = now

    def read(self) -> dict[str, Any]:
        """The fields of `InstanceHealth`."""
        redis = self._store.report()
        light = "red" if redis["status"] == "unavailable" else "green"
        return {
            "status": redis["status"],
            "components": {
                "redis": redis,
                "workers": self._report_duties(),
                "kafka": self._kafka(),
                "providers": self._providers(),
            },
            "problems": [
                {"kind": one.kind, "severity": one.severity, "text": plain_words_for(one, self._now())}
                for one in self._problems()
            ],
            "version": self._identity.version,
            "pod_id": self._identity.pod,
            "uptime_s": round(self._identity.uptime, 1),
            "health": light,
            "database": light,
        }

    def _report_duties(self) -> dict[str, Any]:
        failing = {duty.name: duty.last_error for duty in self._duties if not duty.healthy}
        found: dict[str, Any] = {
            "status": "degraded" if failing else "ok",
            "running": len(self._duties) - len(failing),
        }
        return found | {"failing": failing} if failing else found
