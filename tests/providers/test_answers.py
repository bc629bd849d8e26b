"""Whatever JSON an answer holds, it comes to an outcome: an id that can be stored, or a `ProviderError`."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifier.providers.answers import MAX_WORD, Answer, check
from notifier.providers.base import ProviderError
from notifier.providers.schemes import apns, fcm, twilio, webpush
from notifier.providers.webhooks import id_in

NOW = 1_800_000_000.0
NAMES = ["error", "details", "errorCode", "name", "reason", "timestamp", "code", "sid", "id", "messageId", "message_id"]
NAMES += ["access_token", "expires_in"]
VALUES = ["UNREGISTERED", "QUOTA_EXCEEDED", "Unregistered", "ExpiredProviderToken", "21610", "\ud800", "\0", "x" * 400]

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(10**300, 10**310), st.floats(), st.text(max_size=20)
)
leaves |= st.sampled_from([*VALUES, 21610, 21211, -1, 10**15])
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)
statuses = st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 408, 410, 413, 425, 429, 500, 503, 599])


def webhook(answer, now):
    check(answer, now)
    return id_in(answer)


def google_token(answer, now):
    token, life = fcm.granted(answer)
    assert 0 <= life <= fcm.LONGEST
    token.encode("ascii")
    return token[:MAX_WORD]


JUDGES = [fcm.judge, apns.judge, twilio.judge, webpush.judge, webhook, google_token]


@pytest.mark.parametrize(
    "judge", JUDGES, ids=lambda judge: f"{judge.__module__}.{judge.__name__}".rpartition("providers.")[2]
)
@given(status=statuses, document=documents, header=st.text(max_size=20))
@example(status=404, document={"error": {"details": None}}, header="")
@example(status=404, document={"error": {"details": [[{"errorCode": {}}]]}}, header="")
@example(status=200, document={"sid": None, "name": [], "id": {}}, header="None")
@example(status=400, document={"code": []}, header="")
@example(status=200, document={"access_token": "t", "expires_in": 10**400}, header="")
@settings(max_examples=150, deadline=None)
def test_any_answer_has_an_outcome(judge, status, document, header):
    answer = Answer(
        status, dict.fromkeys(("location", "apns-id", "retry-after"), header), json.dumps(document).encode()
    )
    try:
        found = judge(answer, NOW)
    except ProviderError as error:
        assert str(error).isprintable()
        assert error.gone_at is None or error.unregistered
        assert not error.unregistered or status in (400, 404, 410) or (judge is twilio.judge and 400 <= status < 500)
        return
    assert len(found) <= MAX_WORD
    assert found.isprintable()
    found.encode()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 16384, b"\xff", b"NaN", b"9" * 5000, b'{"a":' * 3000, b"null", b'"x"']
)
@pytest.mark.parametrize("judge", JUDGES[:4])
def test_bodies_that_are_no_object(judge, body):
    assert judge(Answer(200, {}, body), NOW) == ""
    with pytest.raises(ProviderError) as raised:
        judge(Answer(400, {}, body), NOW)
    assert not raised.value.unregistered
