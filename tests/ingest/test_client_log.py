"""librdkafka's lines in the log: each kind now and then."""

import logging

from notifier.ingest.client_log import AGAIN_AFTER, MAX_LINE, ClientLog


def test_what_librdkafka_says_without_end_is_logged_now_and_then(caplog):
    now = [0.0]
    client = ClientLog(lambda: now[0])
    for _ in range(1000):
        client.log(logging.ERROR, "%s [%s] %s", "FAIL", "pod-a#consumer-1", "refused" * 1000)
    client.log(logging.ERROR, "%s [%s] %s", "SASL", "pod-a#consumer-1", "no such mechanism")
    now[0] = AGAIN_AFTER
    client.say(logging.ERROR, "FAIL", "refused")
    assert [record.kind for record in caplog.records] == ["FAIL", "SASL", "FAIL"]
    assert len(caplog.records[0].line) == MAX_LINE
