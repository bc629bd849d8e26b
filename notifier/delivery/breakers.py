"""Circuit breakers as this pod sees them: every try asks here, and the store only when something changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from notifier.store.circuits import CLOSED, Circuit, Circuits


class Breakers:
    """The circuits of the providers in use. Other pods' findings come in with `refresh`."""

    def __init__(
        self,
        circuits: Circuits,
        on_change: Callable[[str, str], None],
        now: Callable[[], float],
    ) -> None:
        """`on_change` is told a provider's name and its new state: `closed`, `open` or `half_open`; `now` is
        Redis' time in Unix seconds."""
        self._circuits = circuits
        self._on_change = on_change
        self.now = now
        self._seen: dict[str, Circuit] = {}
        self._told: dict[str, str] = {}
        self.failures = 5
        self.reset = 30.0

    def add(self, providers: Iterable[str]) -> None:
        """Providers to be watched."""
        for name in providers:
            self._seen.setdefault(name, CLOSED)
            self._told.setdefault(name, "closed")

    def circuit(self, provider: str) -> Circuit:
        """How a provider stands, as far as is known here."""
        return self._seen.get(provider, CLOSED)

    def state(self, provider: str) -> str:
        """`closed`, `open` or `half_open`."""
        return self.circuit(provider).state(self.now())

    def is_clear(self, provider: str) -> bool:
        """Whether no failure is known, so that a success changes nothing."""
        return self.circuit(provider) == CLOSED

    async def wait_of(self, provider: str) -> float | None:
        """None when the caller may try now, else the seconds until it is worth asking again."""
        circuit = self.circuit(provider)
        if not circuit.open_until:
            return None
        left = circuit.open_until / 1000 - self.now()
        if left > 0:
            return left
        return None if await self._circuits.may_probe(provider) else 1.0

    async def failed(self, provider: str) -> None:
        """A retryable failure."""
        self._note(provider, await self._circuits.note_failure(provider, self.failures, self.reset))

    async def succeeded(self, provider: str) -> None:
        """A try that the provider answered well, or with a fault of the message alone."""
        if self.circuit(provider) != CLOSED:
            await self._circuits.note_success(provider)
            self._note(provider, CLOSED)

    async def refresh(self) -> None:
        """Learns what other pods have found."""
        names = list(self._seen)
        for name, circuit in zip(names, await self._circuits.read(names) if names else (), strict=True):
            self._note(name, circuit)

    def _note(self, provider: str, circuit: Circuit) -> None:
        self._seen[provider] = circuit
        state = circuit.state(self.now())
        if self._told.get(provider) != state:
            self._told[provider] = state
            self._on_change(provider, state)
