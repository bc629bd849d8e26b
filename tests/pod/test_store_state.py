"""State of the store as health reports it."""

from types import SimpleNamespace

from notifier.pod.store_state import REPLACED, TELL_REPLACED, StoreState


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def state(embedded=None, up=True, refusal=None, reasons=()):
    clock = Clock()
    redis = SimpleNamespace(up=up, refusal=refusal)
    return StoreState(redis, SimpleNamespace(reasons=reasons), embedded, clock), clock


def test_a_store_that_was_replaced_is_told_for_five_minutes():
    store, clock = state()
    assert store.report() == {"status": "ok", "mode": "external"}
    store.note_replaced()
    clock.now += TELL_REPLACED - 1
    assert store.report() == {"status": "degraded", "mode": "external", "error": REPLACED, "writes": "accepted"}
    clock.now += 1
    assert store.report()["status"] == "ok"
    assert store.replacements == 1


def test_a_store_that_refuses_writes():
    store, _ = state(refusal="OOM", reasons=("appendonly no",))
    assert store.trouble() == ["OOM", "appendonly no"]
    assert store.report()["writes"] == "refused"


def test_an_embedded_server_with_a_full_disk():
    store, _ = state(embedded=SimpleNamespace(trouble="no space", restarts=2))
    told = {"status": "degraded", "mode": "embedded", "error": "no space", "writes": "refused", "restarts": 2}
    assert store.report() == told


def test_a_store_that_is_away():
    store, _ = state(up=False, refusal="OOM")
    assert store.report() == {"status": "unavailable", "mode": "external"}
