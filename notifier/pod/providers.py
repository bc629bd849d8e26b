"""Figures of the providers: of this instance, and summed over all instances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from notifier.delivery.breakers import Breakers
from notifier.delivery.routes import Routes
from notifier.domain.problems import ProviderSign
from notifier.domain.times import format_time

HOSTS_SHOWN = 50
LATENCIES_TOLD = 200
CIRCUIT_STATES = {"closed": 0.0, "half_open": 1.0, "open": 2.0}
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

Row = dict[str, Any]


class ProviderFigures:
    """Reads the circuits and counts of this instance's providers; `routes` is None without the role `delivery`."""

    def __init__(self, routes: Routes | None, breakers: Breakers) -> None:
        self._routes = routes
        self._breakers = breakers

    def report(self) -> Row:
        """The fields of `ProvidersHealth`; degraded while one circuit is not closed."""
        if self._routes is None:
            return {"status": "off"}
        found: dict[str, dict[str, str]] = {}
        for key, provider in self._routes:
            found.setdefault(key, {})[provider.name] = self._breakers.state(provider.name)
        well = all(state == "closed" for states in found.values() for state in states.values())
        hosts = sum(len(self._breakers.hosts(provider.name)) for _, provider in self._routes)
        return {"status": "ok" if well else "degraded", "channels": found, "hosts_open": hosts}

    def signs(self) -> list[ProviderSign]:
        """The state of each provider, named by its route where that has no other."""
        rows = list(self._routes or ())
        alone = Counter(key for key, _ in rows)
        return [
            ProviderSign(
                key if alone[key] == 1 else f"{key} {provider.name}",
                key,
                self._breakers.state(provider.name),
                bool(self._breakers.circuit(provider.name).only),
                provider.recent_p95(),
                "simulator" in provider.inner.schemes,
            )
            for key, provider in rows
        ]

    def circuits(self) -> dict[tuple[str, ...], float]:
        """State of each circuit by provider: 0 closed, 1 half open, 2 open."""
        return {(name,): CIRCUIT_STATES[self._breakers.state(name)] for name in self._names()}

    def open_hosts(self) -> dict[tuple[str, ...], float]:
        """Recipients' hosts whose circuits are not closed, by provider."""
        return {(name,): float(len(self._breakers.hosts(name))) for name in self._names()}

    def rows(self) -> list[Row]:
        """One row for each provider, as plain data that `sum_rows` adds up over the instances."""
        return [
            {
                "name": provider.name,
                "channel": key,
                **self._circuit(provider.name),
                "sent": provider.figures.sent,
                "failed": provider.figures.failed,
                "rate_per_s": provider.figures.rate,
                "hosts": self._hosts(provider.name),
                "hosts_open": len(self._breakers.hosts(provider.name)),
                "latencies": [round(latency, 1) for latency in provider.figures.latencies[-LATENCIES_TOLD:]],
            }
            for key, provider in self._routes or ()
        ]

    def _names(self) -> list[str]:
        return [provider.name for _, provider in self._routes or ()]

    def _circuit(self, name: str) -> Row:
        circuit = self._breakers.circuit(name)
        state = self._breakers.state(name)
        return {"state": state, "failures": circuit.failures, "open_until": circuit.open_until}

    def _hosts(self, name: str) -> list[Row]:
        return [
            {
                "host": one.host,
                "state": one.state,
                "failures": one.circuit.failures,
                "open_until": one.circuit.open_until,
            }
            for one in self._breakers.hosts(name)[:HOSTS_SHOWN]
        ]


def sum_rows(answers: Iterable[list[Row]]) -> list[Row]:
    """The fields of every `Provider`, of the rows of all instances."""
    rows: dict[tuple[str, str], Row] = {}
    latencies: dict[tuple[str, str], list[float]] = {}
    for answer in answers:
        for told in answer:
            row = {"hosts": [], "hosts_open": 0, **told}  # an instance of an older version names none
            key = (row["channel"], row["name"])
            latencies.setdefault(key, []).extend(row.pop("latencies"))
            known = rows.setdefault(key, row)
            if known is not row:
                _add_row(known, row)
    for key, row in rows.items():
        for circuit in (row, *row["hosts"]):
            until = circuit["open_until"]
            circuit["open_until"] = format_time(until / 1000) if until else None
        row["latency_ms"] = {name: _share_of(sorted(latencies[key]), share) for name, share in SHARES.items()}
    return [rows[key] for key in sorted(rows)]


def _add_row(known: Row, row: Row) -> None:
    """Adds the counts; the hosts are those of the instance that knows the most, as instances share most of them."""
    for name in ("sent", "failed", "rate_per_s"):
        known[name] = round(known[name] + row[name], 2)
    if row["hosts_open"] > known["hosts_open"]:
        known["hosts"], known["hosts_open"] = row["hosts"], row["hosts_open"]


def _share_of(ordered: list[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None
