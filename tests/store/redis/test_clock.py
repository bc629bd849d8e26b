"""The distance between Redis' clock and this machine's: measured closely, and anew when the server's was set."""

import pytest

from notifier.store.redis.clock import StoreClock


class Clocks:
    """A monotonic clock and a server whose replies take `delay`."""

    def __init__(self):
        self.monotonic, self.server, self.delay = 100.0, 1_700_000_000.0, 0.002
        self.clock = StoreClock(lambda: self.monotonic, lambda: 5.0)

    async def ask(self):
        self.monotonic += self.delay / 2
        self.server += self.delay / 2
        answer = [b"%d" % self.server, b"%d" % round(self.server % 1 * 1e6)]
        self.monotonic += self.delay / 2
        self.server += self.delay / 2
        return answer

    async def measure(self, delay=0.002):
        self.delay = delay
        await self.clock.measure(self.ask)

    def later(self, seconds):
        self.monotonic += seconds
        self.server += seconds


async def test_the_distance_is_known_within_half_a_round_trip():
    clocks = Clocks()
    assert (clocks.clock.now(), clocks.clock.earliest()) == (5.0, float("-inf"))
    await clocks.measure(0.4)
    assert clocks.clock.error == pytest.approx(0.2)
    await clocks.measure(0.002)
    assert clocks.clock.error == pytest.approx(0.001)
    assert clocks.clock.now() == pytest.approx(clocks.server, abs=0.001)
    clocks.later(2.0)
    await clocks.measure(0.8)
    assert clocks.clock.error < 0.005, "a slow reply that agrees does not blur a quick one"
    clocks.later(3600.0)
    assert clocks.clock.error > 0.5
    assert clocks.clock.earliest() < clocks.server < clocks.clock.now() + clocks.clock.error


@pytest.mark.parametrize("step", [-7200.0, -1.0, 1.0, 7200.0])
async def test_a_server_whose_clock_was_set_is_followed(step):
    clocks = Clocks()
    await clocks.measure(0.001)
    clocks.server += step
    await clocks.measure(0.4)
    assert clocks.clock.now() == pytest.approx(clocks.server, abs=0.2)
