"""Request bodies (contract §3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.bodies import read_json
from notifier.errors import ErrorCode, NotifierError


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nope",
        b'{"a":"\xff"}',
        b'{"a":NaN}',
        b"[" * 100_000,
        b'{"a":1e999}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\\ud800"',
    ],
)
def test_no_json(body):
    with pytest.raises(NotifierError) as raised:
        read_json(body)
    assert raised.value.code is ErrorCode.BAD_REQUEST


def test_lone_surrogate_is_left_to_its_field():
    assert read_json(b'{"message":"\\ud800"}') == {"message": "\ud800"}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_bad_request(body):
    try:
        read_json(body)
    except NotifierError as error:
        assert error.code is ErrorCode.BAD_REQUEST
