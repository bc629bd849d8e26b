"""Circuit breakers as this instance sees them: every try asks here, and the store only when something changes.

A circuit belongs to what can fail alone: a provider, or the host of a recipient that is called itself. A host's has the
name of the provider, a space and the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from notifier.store.circuits import CLOSED, Circuit, Circuits
from notifier.store.delivery_records import digest


class HostCircuit(NamedTuple):
    """The circuit of a recipients' host, `host:port`."""

    host: str
    state: str
    circuit: Circuit


class BreakerPolicy(NamedTuple):
    """The failures in a row that open a circuit, and the seconds until it is probed."""

    failures: int
    reset: float


class Breakers:
    """The circuits of the providers in use and of hosts. `refresh` takes over the findings of other instances."""

    def __init__(
        self,
        circuits: Circuits,
        on_change: Callable[[str, str, str], None],
        now: Callable[[], float],
        policy: BreakerPolicy,
    ) -> None:
        """`on_change` is told a provider's name, the recipients' host (empty: the provider itself) and the new state:
        `closed`, `open` or `half_open`; `now` is Redis' time in Unix seconds."""
        self._circuits = circuits
        self._on_change = on_change
        self.now = now
        self._providers: set[str] = set()
        self._seen: dict[str, Circuit] = {}  # those that have failed
        self._told: dict[str, str] = {}  # those that are not closed
        self._policy = policy

    def reconfigure(self, policy: BreakerPolicy) -> None:
        """Replaces the policy, for the next failure."""
        self._policy = policy

    def add(self, providers: Iterable[str]) -> None:
        """Adds providers, whose circuits are read by `refresh`."""
        self._providers |= set(providers)

    def circuit(self, name: str) -> Circuit:
        """The circuit of a provider or a host, as far as is known here."""
        return self._seen.get(name, CLOSED)

    def state(self, name: str) -> str:
        """`closed`, `open` or `half_open`."""
        return self.circuit(name).state(self.now())

    def hosts(self, provider: str) -> list[HostCircuit]:
        """The circuits of its recipients' hosts that are not closed, those that fail most first."""
        prefix, now = f"{provider} ", self.now()
        found = [
            HostCircuit(name.removeprefix(prefix), circuit.state(now), circuit)
            for name, circuit in self._seen.items()
            if circuit.open_until and name not in self._providers and name.startswith(prefix)
        ]
        return sorted(found, key=lambda one: (-one.circuit.failures, one.host))

    def is_clear(self, name: str) -> bool:
        """True while no failure is known, so that a success changes nothing."""
        return name not in self._seen

    async def wait_of(self, name: str, recipient: str = "") -> float | None:
        """None when the caller may try now, else the seconds until it is worth asking again. Without a recipient: the
        wait of the next one that is held."""
        circuit = self._seen.get(name)
        if circuit is None or not circuit.holds(digest(recipient)):
            return None
        left = circuit.open_until / 1000 - self.now()
        if left > 0:
            return left
        return None if await self._circuits.may_probe(name) else 1.0

    async def failed(self, name: str, recipient: str = "") -> None:
        """Counts a failure of the provider or the host, at a try for a recipient."""
        is_host = name not in self._providers
        self._note(await self._circuits.note_failure(name, recipient, *self._policy, is_host), name)

    async def succeeded(self, name: str, recipient: str = "") -> None:
        """Counts a success, which closes the circuit."""
        circuit, mark = self.circuit(name), digest(recipient)
        if circuit == CLOSED or (not circuit.others and circuit.open_until and self._is_anothers(circuit, mark)):
            return
        self._note(await self._circuits.note_success(name, recipient), name)

    def _is_anothers(self, circuit: Circuit, mark: str) -> bool:
        return not circuit.holds(mark) and circuit.state(self.now()) == "open"

    async def answered(self, name: str, recipient: str = "") -> None:
        """Gives a probe back whose answer was about the message or its recipient alone: no failure, and no success
        either, as a service that is down may yet refuse what it need not look at."""
        if self.state(name) == "half_open" and self.circuit(name).holds(digest(recipient)):
            await self._circuits.release(name)

    async def refresh(self) -> None:
        """Reads the circuits that other instances have changed."""
        if self._providers:
            seen = await self._circuits.read(sorted(self._providers))
            self._note(seen, *(self._seen.keys() - seen.keys()))

    def _note(self, seen: dict[str, Circuit], *names: str) -> None:
        """Takes over the store's circuits; `names` that are not among them are closed."""
        for name in names:
            self._seen.pop(name, None)
        self._seen |= {name: circuit for name, circuit in seen.items() if circuit != CLOSED}
        for name in {*names, *seen, *self._told}:
            self._tell(name)

    def _tell(self, name: str) -> None:
        state = self.state(name)
        if self._told.get(name, "closed") == state:
            return
        if state == "closed":
            del self._told[name]
        else:
            self._told[name] = state
        provider, _, host = (name, "", "") if name in self._providers else name.rpartition(" ")
        self._on_change(provider, host, state)
