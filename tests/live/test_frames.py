"""Frames (RFC 6455) without I/O."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.live import frames
from notifier.live.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, FrameError, FrameReader

MAX = 200_000
KEY = b"\x12\x34\x56\x78"


def frame(opcode, payload=b"", final=True, key=KEY, masked=True):
    """A frame as a client sends it."""
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65536:
        head += bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([bit | 127]) + size.to_bytes(8, "big")
    return head + (key + bytes(b ^ key[i % 4] for i, b in enumerate(payload)) if masked else payload)


def read(data, reader=None, sizes=None):
    """All that a reader makes of `data`, given in chunks of these sizes (None: in one)."""
    reader = reader or FrameReader(MAX)
    found, position = [], 0
    for size in sizes or [len(data)]:
        found += reader.read(data[position : position + size])
        position += size
    if position < len(data):
        found += reader.read(data[position:])
    return found


def error_of(data, maximum=MAX):
    with pytest.raises(FrameError) as raised:
        read(data, FrameReader(maximum))
    return raised.value.code


keys = st.binary(min_size=4, max_size=4)
controls = st.tuples(st.sampled_from([PING, PONG, CLOSE]), st.binary(max_size=125))
texts = st.tuples(st.just(TEXT), st.text(max_size=300).map(str.encode))
binaries = st.tuples(st.just(BINARY), st.binary(max_size=300))
chunks = st.lists(st.integers(1, 40), max_size=60)


@st.composite
def conversations(draw):
    """Messages, some in fragments with control frames between; the bytes, and what they say in the order of their ends."""
    wire, said = b"", []
    for opcode, payload in draw(st.lists(st.one_of(texts, binaries, controls), max_size=6)):
        if opcode >= CLOSE:
            wire += frame(opcode, payload, key=draw(keys))
            said.append((opcode, payload))
            continue
        cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
        parts = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
        for i, part in enumerate(parts):
            wire += frame(opcode if i == 0 else CONTINUATION, part, i == len(parts) - 1, draw(keys))
            if i < len(parts) - 1 and draw(st.booleans()):
                between = draw(controls)
                wire += frame(*between, key=draw(keys))
                said.append(between)
        said.append((opcode, payload))
    return wire, said


@settings(max_examples=300, deadline=None)
@given(conversations(), chunks)
def test_what_was_sent_is_read_however_it_comes_in_pieces(conversation, sizes):
    wire, said = conversation
    assert read(wire, sizes=sizes) == said


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=400), chunks)
def test_random_bytes_are_messages_or_a_frame_error(data, sizes):
    try:
        read(data, FrameReader(1000), sizes)
    except FrameError as error:
        assert error.code in (frames.PROTOCOL_ERROR, frames.INVALID_DATA, frames.TOO_BIG)


@settings(max_examples=300, deadline=None)
@given(conversations(), st.integers(0, 2000), st.binary(min_size=1, max_size=3), chunks)
def test_a_damaged_stream_is_messages_or_a_frame_error(conversation, place, damage, sizes):
    wire = bytearray(conversation[0])
    wire[place : place + len(damage)] = damage
    try:
        read(bytes(wire), FrameReader(1000), sizes)
    except FrameError as error:
        assert error.code in (frames.PROTOCOL_ERROR, frames.INVALID_DATA, frames.TOO_BIG)


@given(st.binary(max_size=300), keys)
def test_masks(payload, key):
    masked = frames.unmask(payload, key)
    assert masked == bytes(b ^ key[i % 4] for i, b in enumerate(payload))
    assert frames.unmask(masked, key) == payload


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 65537])
@pytest.mark.parametrize("key", [KEY, b"\0\0\0\0", b"\0\0\0\1"])
def test_sizes(size, key):
    payload = os.urandom(size)
    wire = frame(BINARY, payload, key=key)
    assert read(wire) == [(BINARY, payload)]
    assert read(wire, sizes=[1] * 20) == [(BINARY, payload)]


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_what_is_encoded(size):
    payload = b"x" * size
    assert frames.encode_text(payload) == frame(TEXT, payload, masked=False)
    assert frames.encode_frame(BINARY, payload) == frame(BINARY, payload, masked=False)


@given(conversations() | st.binary(max_size=300).map(lambda data: (data, [])), st.integers(0, 400))
def test_one_whole_text_is_what_is_read_of_it(conversation, cut):
    data = conversation[0][:cut] if cut else conversation[0]
    text = FrameReader(MAX).read_whole(data)
    if text is not None:
        assert read(data) == [(TEXT, text)] and text.isascii()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 1000, 65535])
def test_one_whole_text(size):
    assert FrameReader(MAX).read_whole(frame(TEXT, b"x" * size)) == b"x" * size
    assert FrameReader(size).read_whole(frame(TEXT, b"x" * size)) == b"x" * size
    if size:
        assert FrameReader(size - 1).read_whole(frame(TEXT, b"x" * size)) is None


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\x81",
        frame(TEXT, b"x" * 65536),
        frame(TEXT, "é".encode()),
        frame(TEXT, b"x", final=False),
        frame(TEXT, b"x", masked=False),
        frame(BINARY, b"x"),
        frame(TEXT, b"x") * 2,
        frame(TEXT, b"x")[:-1],
        b"\xc1" + frame(TEXT, b"x")[1:],
    ],
)
def test_no_one_whole_text(wire):
    assert FrameReader(MAX).read_whole(wire) is None


@pytest.mark.parametrize("begun", [frame(TEXT, b"x", final=False), frame(TEXT, b"xyz")[:-1]])
def test_a_text_behind_half_a_message_is_not_looked_at_alone(begun):
    reader = FrameReader(MAX)
    read(begun, reader)
    assert reader.read_whole(frame(TEXT, b"x")) is None


def test_one_byte_at_a_time():
    wire = frame(TEXT, b"he", False) + frame(PING, b"p") + frame(CONTINUATION, b"", False) + frame(CONTINUATION, b"llo")
    assert read(wire, sizes=[1] * len(wire)) == [(PING, b"p"), (TEXT, b"hello")]


@pytest.mark.parametrize("cut", range(1, 8))
def test_nothing_is_said_before_a_frame_is_whole(cut):
    reader = FrameReader(MAX)
    wire = frame(TEXT, b"a")
    if cut < len(wire):
        assert read(wire[:cut], reader) == []
        assert read(wire[cut:], reader) == [(TEXT, b"a")]


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(frame(TEXT, b"a", masked=False), id="unmasked"),
        pytest.param(b"\xc1\x80" + KEY, id="first reserved bit"),
        pytest.param(b"\xa1\x80" + KEY, id="second reserved bit"),
        pytest.param(b"\x91\x80" + KEY, id="third reserved bit"),
        *[pytest.param(frame(opcode), id=f"opcode {opcode}") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)],
        pytest.param(frame(CONTINUATION, b"a"), id="continues nothing"),
        pytest.param(frame(TEXT, b"a", False) + frame(TEXT, b"b"), id="a new message within a message"),
        pytest.param(frame(PING, b"a", False), id="control frame in fragments"),
        pytest.param(frame(PING, b"a" * 126), id="control frame too long"),
        pytest.param(frame(CLOSE, b"a" * 126), id="close frame too long"),
    ],
)
def test_what_breaks_the_protocol(wire):
    assert error_of(wire) == frames.PROTOCOL_ERROR
    with pytest.raises(FrameError):
        read(wire, sizes=[1] * len(wire))


def test_a_broken_frame_is_refused_by_its_head():
    assert error_of(b"\x83\x80") == frames.PROTOCOL_ERROR
    assert error_of(b"\x81\x05") == frames.PROTOCOL_ERROR


def test_what_came_before_a_broken_frame_is_read():
    messages = FrameReader(MAX).read(frame(TEXT, b"a") + frame(TEXT, b"b") + frame(3))
    assert [next(messages), next(messages)] == [(TEXT, b"a"), (TEXT, b"b")]
    with pytest.raises(FrameError):
        next(messages)


# -- bounds


def test_a_message_over_the_bound_is_refused_by_its_head():
    assert read(frame(TEXT, b"a" * 1000), FrameReader(1000)) == [(TEXT, b"a" * 1000)]
    assert error_of(frame(TEXT, b"a" * 1001)[:4], 1000) == frames.TOO_BIG
    assert error_of(b"\x82\xff" + b"\xff" * 8, 1000) == frames.TOO_BIG
    assert error_of(b"\x82\xff" + b"\x7f" + b"\xff" * 7, 1000) == frames.TOO_BIG


def test_fragments_count_together():
    head = frame(TEXT, b"a" * 600, False)
    assert error_of(head + frame(CONTINUATION, b"a" * 401), 1000) == frames.TOO_BIG
    assert read(head + frame(CONTINUATION, b"a" * 400), FrameReader(1000)) == [(TEXT, b"a" * 1000)]


def test_each_message_counts_for_itself():
    reader = FrameReader(1000)
    wire = frame(TEXT, b"a" * 600, False) + frame(CONTINUATION, b"a" * 400)
    assert len(read(wire * 3, reader)) == 3


def test_a_control_frame_passes_between_the_fragments_of_a_full_message():
    wire = frame(BINARY, b"a" * 1000, False) + frame(PING, b"p" * 125) + frame(CONTINUATION, b"")
    assert read(wire, FrameReader(1000)) == [(PING, b"p" * 125), (BINARY, b"a" * 1000)]


def test_empty_fragments_cost_nothing():
    reader = FrameReader(1000)
    read(frame(TEXT, b"a", False) + frame(CONTINUATION, b"", False) * 1000, reader)
    assert len(reader._fragments) == 1


# -- text


@pytest.mark.parametrize(
    "payload",
    [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80", b"ok \xe2\x98", b"\xe2\x98\x83\x80"],
)
def test_text_that_is_no_utf8(payload):
    assert error_of(frame(TEXT, payload)) == frames.INVALID_DATA
    assert read(frame(BINARY, payload)) == [(BINARY, payload)]
    for cut in range(len(payload) + 1):
        pieces = frame(TEXT, payload[:cut], False) + frame(CONTINUATION, payload[cut:])
        assert error_of(pieces) == frames.INVALID_DATA


def test_bad_text_is_refused_at_once_and_not_at_its_end():
    assert error_of(frame(TEXT, b"a\xff", False)) == frames.INVALID_DATA
    assert error_of(frame(TEXT, b"\xe2", False) + frame(CONTINUATION, b"a", False)) == frames.INVALID_DATA
    assert read(frame(TEXT, b"\xe2", False) + frame(CONTINUATION, b"\x98", False)) == []


def test_a_character_in_several_fragments():
    snow = "☃".encode()
    wire = (
        frame(TEXT, snow[:1], False)
        + frame(PING)
        + frame(CONTINUATION, snow[1:2], False)
        + frame(CONTINUATION, snow[2:])
    )
    assert read(wire) == [(PING, b""), (TEXT, snow)]


def test_the_next_message_begins_anew():
    reader = FrameReader(MAX)
    assert read(frame(BINARY, b"\xff", False) + frame(CONTINUATION, b"\xff"), reader) == [(BINARY, b"\xff\xff")]
    assert read(frame(TEXT, b"a", False) + frame(CONTINUATION, b"b"), reader) == [(TEXT, b"ab")]


# -- closing


@pytest.mark.parametrize("code", [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4401, 4999])
def test_codes_that_may_be_sent(code):
    assert frames.read_close(code.to_bytes(2, "big") + b"why") == (code, "why")


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_codes_that_may_not(code):
    with pytest.raises(FrameError) as raised:
        frames.read_close(code.to_bytes(2, "big"))
    assert raised.value.code == frames.PROTOCOL_ERROR


def test_other_close_frames():
    assert frames.read_close(b"") == (1005, "")
    for payload, code in ((b"\x03", frames.PROTOCOL_ERROR), (b"\x03\xe8\xff", frames.INVALID_DATA)):
        with pytest.raises(FrameError) as raised:
            frames.read_close(payload)
        assert raised.value.code == code


def test_encoding_a_close():
    assert frames.encode_close(1000, "") == b"\x88\x02\x03\xe8"
    assert frames.encode_close(1005, "why") == frames.encode_close(1006, "why") == b"\x88\x00"
    long = frames.encode_close(1008, "☃" * 100)
    assert long[1] == len(long) - 2 <= 125
    assert frames.read_close(long[2:]) == (1008, "☃" * 41)
