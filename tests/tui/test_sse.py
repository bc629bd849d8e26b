"""Server-sent events, however they are cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tui.sse import DATA_MAX, LINE_MAX, Parser, ServerEvent

STREAM = b'retry: 1000\n: following\n\nevent: a\ndata: {"x":1}\n\r\nevent: b\ndata: one\ndata: two\n\ndata:bare\n\n'
EVENTS = [(":", "following"), ("a", '{"x":1}'), ("b", "one\ntwo"), ("message", "bare")]


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_cuts_do_not_matter(cuts: list[int]) -> None:
    parser = Parser()
    places = [0, *sorted(cuts), len(STREAM)]
    found = [event for start, end in pairwise(places) for event in parser.feed(STREAM[start:end])]
    assert found == [ServerEvent(*event) for event in EVENTS]


def test_a_line_without_end_is_dropped_and_the_next_event_comes() -> None:
    parser = Parser()
    for _ in range(LINE_MAX // 1000 + 2):
        assert parser.feed(b"x" * 1000) == []
    assert len(parser._rest) <= LINE_MAX
    assert parser.feed(b"x\n\nevent: a\ndata: 1\n\n") == [ServerEvent("a", "1")]


def test_an_event_of_too_many_lines_is_dropped() -> None:
    parser = Parser()
    line = b"data: " + b"y" * 1000 + b"\n"
    assert parser.feed(line * (DATA_MAX // 1000 + 2) + b"\n") == []
    assert parser.feed(b"data: z\n\n") == [ServerEvent("message", "z")]


def test_bytes_that_are_no_utf8_do_not_matter() -> None:
    assert Parser().feed(b"data: \xff\n\n") == [ServerEvent("message", "\ufffd")]
