"""The supervisor's arithmetic, the scoreboard and the tallies on it; tests/e2e/test_workers.py has the processes."""

import os
import signal

import msgspec
import pytest

from notifier.config import compare, load
from notifier.serving.scoreboard import HALF, Scoreboard, Seat, Slots
from notifier.serving.signals import ECHO, Signals
from notifier.serving.supervisor import PAUSE_MAX, STEADY, Backoff
from notifier.telemetry.lines import Line
from notifier.telemetry.tally import STALE, Buckets, SharedTally, Tally, pid_of

# -- backoff


def test_the_first_restart_is_at_once_and_the_next_wait_longer():
    backoff = Backoff()
    assert [backoff.pause(0.1, False) for _ in range(10)] == [
        0,
        0.1,
        0.2,
        0.4,
        0.8,
        1.6,
        3.2,
        6.4,
        PAUSE_MAX,
        PAUSE_MAX,
    ]


def test_one_that_had_served_is_back_within_a_second_however_often_it_dies():
    backoff = Backoff()
    assert max(backoff.pause(0.5, True) for _ in range(1000)) == 0.4
    assert [backoff.pause(0.05, False) for _ in range(2)] == [0.8, 1.6]  # killed twice more before it could serve
    assert backoff.pause(0.5, True) == 0.4


def test_a_steady_life_is_a_new_beginning():
    backoff = Backoff()
    for _ in range(8):
        backoff.pause(0.1, False)
    assert backoff.pause(STEADY + 1, True) == 0
    assert backoff.pause(0.1, True) == 0.1


# -- signals


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def signals(**options):
    clock = Clock()
    return Signals(lambda: None, clock=clock, **options), clock


def test_the_echo_of_ctrl_c_is_no_second_wish():
    found, clock = signals()
    found.ask_to_stop()
    clock.now += ECHO / 2
    found.ask_to_stop()
    assert found.stop.is_set() and not found.hurry.is_set()
    clock.now += ECHO
    found.ask_to_stop()
    assert found.hurry.is_set()


def test_a_worker_hurries_only_when_its_supervisor_says_so():
    found, clock = signals(supervised=True)
    found.ask_to_stop()
    clock.now += 60
    found.ask_to_stop()
    assert found.stop.is_set() and not found.hurry.is_set()
    found.ask_to_hurry()
    assert found.hurry.is_set()


# -- scoreboard


def test_slots_hold_what_was_written_last():
    board = Scoreboard(3)
    assert board.read(1) == b""
    for text in (b"one", b"a longer one", b"3", b""):
        board.write(1, text)
        assert board.read(1) == text
    assert (board.read(0), board.read(2)) == (b"", b"")


def test_a_text_that_does_not_fit_is_refused_and_the_old_one_stays():
    board = Scoreboard(1)
    board.write(0, b"x" * (HALF - 8))
    with pytest.raises(ValueError, match="do not fit"):
        board.write(0, b"x" * HALF)
    assert len(board.read(0)) == HALF - 8


def test_a_writer_killed_in_the_middle_leaves_what_it_said_before():
    board = Scoreboard(1)
    board.write(0, b"whole")
    board.write(0, b"whole again")

    class Killed(Exception):
        pass

    class Memory:
        """The shared memory, whose writer dies before it has turned the halves."""

        def __init__(self, memory):
            self.memory = memory

        def __getitem__(self, key):
            return self.memory[key]

        def __setitem__(self, key, value):
            self.memory[key] = value
            raise Killed

    memory, board._memory = board._memory, Memory(board._memory)
    with pytest.raises(Killed):
        board.write(0, b"never finished")
    board._memory = memory
    assert board.read(0) == b"whole again"


def test_a_fork_writes_and_its_parent_reads():
    board = Scoreboard(2)
    child = os.fork()
    if child == 0:
        board.write(1, b"from the child")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert board.read(1) == b"from the child"


# -- log lines


def test_the_first_worker_tells_the_lines_of_the_others_once_and_its_successor_goes_on():
    board, slots = Scoreboard(2 + len(Slots._fields)), Slots.behind(2)
    written = {slot: [] for slot in (slots.keeper_lines, slots.supervisor_lines)}

    def say(slot, number, at):
        written[slot].append(Line(number, at, "pod", "error", f"e{number}", ""))
        board.write(slot, msgspec.json.encode(written[slot]))

    first, second = Seat(board, 0, 2), Seat(board, 1, 2)
    assert first.take_lines() == []
    say(slots.supervisor_lines, 1, 20.0)
    say(slots.keeper_lines, 1, 10.0)
    assert second.take_lines() == []
    assert [line.at for line in first.take_lines()] == [10.0, 20.0]
    assert first.take_lines() == []
    say(slots.supervisor_lines, 2, 30.0)
    assert [line.event for line in Seat(board, 0, 2).take_lines()] == ["e2"]
    assert Seat(board, 0, 2).restarts == 0 and first.read_keeper() == b""


# -- tallies


class Counter:
    """A worker's own numbers."""

    def __init__(self, at=100.0):
        self.at = at
        self.sent = 0
        self.cpu = 0.0

    def tally(self):
        return Tally(
            os.getpid(),
            self.at,
            {"sent": self.sent},
            {},
            {"latency": Buckets([self.sent, 0], self.sent / 10)},
            {("/", "GET", "200"): Buckets([1, self.sent], 0.5)},
            {"connections": 2.0, "up": 1.0},
        )

    def process(self):
        return {"process_cpu_seconds_total": self.cpu, "process_open_fds": 5.0, "process_max_fds": 100.0}


def worker(board, index, counter, workers=2):
    shared = SharedTally(Seat(board, index, workers), counter.tally, counter.process)
    shared.open()
    return shared


def test_any_worker_shows_the_sum_of_all():
    board, one, two = Scoreboard(4), Counter(), Counter()
    first, second = worker(board, 0, one), worker(board, 1, two)
    one.sent, two.sent, one.cpu, two.cpu = 3, 4, 1.5, 2.0
    first.publish()
    second.publish()
    for shared in (first, second):
        total = shared.total({"up": min})
        assert total.counts == {"sent": 7}
        assert total.gauges == {"connections": 4.0, "up": 1.0}
        assert total.histograms["latency"].counts == [7, 0] and total.histograms["latency"].sum == pytest.approx(0.7)
        assert total.requests["/", "GET", "200"].counts == [2, 7]
        assert total.process["process_cpu_seconds_total"] == 3.5
        assert (total.process["process_open_fds"], total.process["process_max_fds"]) == (10, 100)


def test_every_worker_shows_the_very_same_sum():
    """0.1 + 0.7 + 0.3 is not 0.3 + 0.1 + 0.7: a counter would go back, which says that it was reset."""
    board, counters = Scoreboard(5), [Counter(), Counter(), Counter()]
    workers = [worker(board, index, counter, workers=3) for index, counter in enumerate(counters)]
    for counter, shared, cpu in zip(counters, workers, (0.1, 0.7, 0.3), strict=True):
        counter.cpu, counter.sent = cpu, round(cpu * 10)
        shared.publish()
    totals = [shared.total({}) for shared in workers]
    assert len({total.process["process_cpu_seconds_total"] for total in totals}) == 1
    assert len({total.histograms["latency"].sum for total in totals}) == 1


def test_what_a_scrape_has_told_survives_its_worker():
    board, one, two = Scoreboard(4), Counter(), Counter()
    first, second = worker(board, 0, one), worker(board, 1, two)
    one.sent = 5
    assert first.total({}).counts["sent"] == 5  # it tells this, and is killed
    assert second.total({}).counts["sent"] == 5
    successor = Counter()
    third = worker(board, 0, successor)
    successor.sent = 2
    assert third.total({}).counts["sent"] == 7
    assert second.total({}).counts["sent"] == 7
    assert worker(board, 0, Counter()).total({}).counts["sent"] == 7


def test_nothing_is_shown_before_the_port_is_open():
    board, counter = Scoreboard(4), Counter()
    shared = SharedTally(Seat(board, 0, 2), counter.tally, counter.process)
    shared.publish()
    assert pid_of(board.read(0)) == 0
    shared.open()
    assert pid_of(board.read(0)) == os.getpid()


def test_gauges_of_a_worker_that_is_gone_do_not_stay():
    board, one, two = Scoreboard(4), Counter(at=100.0), Counter(at=100.0 + STALE + 1)
    first, second = worker(board, 0, one), worker(board, 1, two)
    one.sent = 5
    first.publish()
    total = second.total({})
    assert total.counts["sent"] == 5 and total.gauges["connections"] == 2.0


# -- SIGHUP


def test_what_can_change_is_taken_and_the_rest_is_named():
    current = load({"pod_id": "a", "stream_maxlen": "50"}, {})
    change = compare(current, load({"pod_id": "a", "stream_maxlen": "60", "lock_ttl": "20s", "log_level": "debug"}, {}))
    assert change.taken == {"stream_maxlen": 60, "log_level": "debug"} and change.waiting == ["lock_ttl"]
    assert (change.settings.stream_maxlen, change.settings.lock_ttl) == (60, current.lock_ttl)


def test_nothing_changed_is_nothing_taken():
    current = load({"pod_id": "a"}, {})
    assert compare(current, current) == (current, {}, [])
