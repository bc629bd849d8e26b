"""Replies of Redis about deliveries, as values: damaged ones become empty ones, never an error."""

import pytest

from notifier.domain.status import Status
from notifier.store import delivery_records as records
from notifier.store.delivery_records import MAX_TIME_MS, Change, Queue


def test_a_digest_names_a_text_and_holds_nothing_of_it():
    assert records.digest("u1") == records.digest("u1") != records.digest("u2")
    assert set(records.digest("*{}\0")) <= set("0123456789abcdef")


def test_changes_in_a_flat_reply():
    reply = [b"id", b"queued", b"sms", b"low", b"other", b"sent", b"email", b"high"]
    assert records.changes_of(reply) == [
        Change("id", Status.QUEUED, "sms", "low"),
        Change("other", Status.SENT, "email", "high"),
    ]


def record(**fields):
    names = (
        "document",
        "status",
        "retries",
        "updated",
        "following",
        "scheduled",
        "sent",
        "provider",
        "id",
        "error",
        "why",
        "since",
    )
    usual = {"document": b"{}", "status": b"queued", "retries": b"2", "updated": b"1700000000000"}
    return records.record_of([(usual | fields).get(name) for name in names])


def test_a_record():
    found = record(sent=b"1700000000500", provider=b"twilio", error=b"\xff")
    assert (found.status, found.retry_count) == (Status.QUEUED, 2)
    assert found.updated_at == "2023-11-14T22:13:20.000Z" and found.sent_at == "2023-11-14T22:13:20.500Z"
    assert (found.next_retry_at, found.provider, found.error) == (None, "twilio", "\ufffd")


@pytest.mark.parametrize("value", [b"x", b"", b"-1", b"9" * 30, str(MAX_TIME_MS).encode(), None])
def test_a_time_that_rfc_3339_has_no_room_for_is_none(value):
    assert record(sent=value).sent_at is None
    assert record(updated=value).updated_at == ""


@pytest.mark.parametrize("value", [b"x", None, b""])
def test_a_number_that_is_none_counts_as_nothing(value):
    assert record(retries=value).retry_count == 0


def test_a_queue_with_the_age_of_its_oldest():
    row = [b"sms", 1, 7, 4, 5, 6, 3, 1, b"1700000000000-5", 0, 0, None, 2, 2, b"1600000000000-0"]
    queue = records.queue_of(row)
    held = dict(zip(records.HELD_BY, (5, 6), strict=True))
    assert queue == Queue("sms", True, 7, 4, held, queue.waiting, 3, 1_600_000_000_000)
    assert list(queue.waiting.values()) == [3, 0, 2]
    assert records.queue_of([b"sms", 0, 0, 0, 0, 0, *[0, 0, None] * 3]).oldest is None


@pytest.mark.parametrize(
    ("document", "shown"),
    [(b'{"a":1}', b'{"a":1}'), (b"[]", b"{}"), (b"{", b"{}"), (None, b"{}"), (b"{" * 100_000, b"{}")],
    ids=["object", "list", "broken", "none", "deep"],
)
def test_a_dead_letter_s_document_is_an_object(document, shown):
    letter = records.dead_letter_of("id", 1.7e12, [b"sms", b"permanent", None, document, b"4", b"[]"])
    assert letter.document == shown and letter.attempts == 5


def test_a_dead_letter_that_was_never_tried():
    letter = records.dead_letter_of("id", -5.0, [None, None, None, None, b"0", None])
    assert (letter.attempts, letter.failed_at, letter.reason) == (0, "1970-01-01T00:00:00.000Z", "")


@pytest.mark.parametrize(("value", "status"), [(b"sent", Status.SENT), (b"lost", None), (None, None), (b"\xff", None)])
def test_a_status(value, status):
    assert records.status_of(value) is status
