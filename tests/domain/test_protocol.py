"""The messages of the WebSocket (contract §4)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain import protocol
from notifier.domain.protocol import MessageError, Read, ReadAll, Retention, Sync, read_message
from notifier.errors import ErrorCode


def message(kind, **data):
    return json.dumps({"type": kind, "data": data}).encode()


def test_commands():
    assert read_message(message("notification.read", notification_id="n", stream_id="1-0")) == Read(
        protocol.ReadData("n", "1-0")
    )
    assert type(read_message(message("notification.read_all", up_to="1-0"))) is ReadAll
    assert read_message(message("sync.request")).data.limit == 50
    assert type(read_message(b'{"type":"sync.request"}')) is Sync
    assert read_message(message("retention.set", days=15)) == Retention(protocol.RetentionData(15))


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        (b"nope", ErrorCode.BAD_MESSAGE, None),
        (b"[]", ErrorCode.BAD_MESSAGE, None),
        (b"{}", ErrorCode.BAD_MESSAGE, None),
        (b'{"type":5}', ErrorCode.BAD_MESSAGE, None),
        (b"[" * 5000, ErrorCode.BAD_MESSAGE, None),
        (b'{"type":"dance","data":{}}', ErrorCode.UNKNOWN_TYPE, "dance"),
        (message("notification.read", notification_id="n"), ErrorCode.INVALID, "notification.read"),
        (message("notification.read", notification_id=1, stream_id="1-0"), ErrorCode.INVALID, "notification.read"),
        (message("notification.read_all", up_to="x"), ErrorCode.INVALID, "notification.read_all"),
        (message("sync.request", limit=0), ErrorCode.INVALID, "sync.request"),
        (message("sync.request", limit=101), ErrorCode.INVALID, "sync.request"),
        (message("sync.request", before="+"), ErrorCode.INVALID, "sync.request"),
        (message("sync.request", after="1"), ErrorCode.INVALID, "sync.request"),
        (message("retention.set", days=16), ErrorCode.INVALID, "retention.set"),
        (message("retention.set", days=True), ErrorCode.INVALID, "retention.set"),
    ],
)
def test_what_is_wrong_is_said(text, code, kind):
    with pytest.raises(MessageError) as raised:
        read_message(text)
    assert (raised.value.code, raised.value.in_reply_to) == (code, kind)
    frame = json.loads(protocol.error(raised.value))
    assert frame["data"]["code"] == code.value and frame["data"]["in_reply_to"] == kind


@given(st.binary(max_size=300))
def test_any_bytes_are_a_command_or_an_error(text):
    try:
        read_message(text)
    except MessageError as error:
        json.loads(protocol.error(error))


def test_texts_of_the_server():
    fragment = b'"message":"hi","created_at":"t","source":"s"'
    shape = {"notification_id": "n", "stream_id": "1-0", "message": "hi", "created_at": "t", "source": "s"}
    pushed = protocol.push(b"n", b"1-0", fragment, False)
    assert json.loads(pushed) == {"type": "notification.push", "data": {**shape, "status": "unread", "read": False}}
    item = protocol.push_data(b"n", b"1-0", fragment, True)
    assert json.loads(protocol.sync_response([item, item]))["data"] == [{**shape, "status": "read", "read": True}] * 2
    assert json.loads(protocol.sync_response([])) == {"type": "sync.response", "data": []}
    assert json.loads(protocol.push_cleared(b"n", b"1-0"))["data"] == {
        "notification_id": "n",
        "stream_id": "1-0",
        "status": "auto_cleared",
        "read": False,
        "message": "",
    }
    assert json.loads(protocol.read_ack(b"n", b"1-0"))["data"] == {"notification_id": "n", "stream_id": "1-0"}
    assert json.loads(protocol.sync_complete(2, 5))["data"] == {"pending": 2, "total": 5}
    assert json.loads(protocol.retention_ack(3)) == {"type": "retention.ack", "data": {"days": 3}}


def test_pushed_id():
    nid = b"5d0f1d4c-8f6a-4c41-9a6e-0d9a3c1f2b7e"
    assert protocol.pushed_id(protocol.push(nid, b"1-0", b'"message":"m"', False)) == nid
