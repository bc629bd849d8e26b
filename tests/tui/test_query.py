"""The filter of deliveries as it is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.deliveries.model import STATUSES
from tui.deliveries.query import Query, next_status

NOON = 1_700_000_000.0


def test_terms_and_words() -> None:
    query = Query.parse("status:failed late user:1-alice channel:sms no such recipient:")
    assert query.terms(NOON) == {"status": "failed", "user_id": "1-alice", "channel": "sms"}
    assert (query.words, query.wrong) == ("late no such", "")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("since:1h", {"from": "2023-11-14T21:13:20.000Z"}),
        ("since:7d", {"from": "2023-11-07T22:13:20.000Z"}),
        ("until:2023-11-14", {"to": "2023-11-14T00:00:00.000Z"}),
        ("until:2023-11-14T12:00+01:00", {"to": "2023-11-14T11:00:00.000Z"}),
        ("since:999999999d", {"from": "2013-11-16T22:13:20.000Z"}),
        ("http://example.com", {}),
    ],
)
def test_times(typed: str, meant: dict[str, str]) -> None:
    assert Query.parse(typed).terms(NOON) == meant
    assert not Query.parse(typed).wrong


def test_a_span_moves_on_with_the_clock() -> None:
    query = Query.parse("since:1h")
    assert query.terms(NOON) != query.terms(NOON + 60)


@pytest.mark.parametrize(("typed", "said"), [("status:foo", "no such status"), ("since:soon", "since: takes 15m")])
def test_what_cannot_be_meant_is_said_and_not_asked(typed: str, said: str) -> None:
    query = Query.parse(typed)
    assert said in query.wrong
    assert query.terms(NOON) == {}


@given(st.text(alphabet=st.one_of(st.sampled_from("statusinceul: 0189hd-T+"), st.characters())))
def test_nothing_typed_is_too_odd(typed: str) -> None:
    query = Query.parse(typed)
    assert all(isinstance(value, str) and value for value in query.terms(NOON).values())


def test_f_goes_through_every_status_and_back_to_all() -> None:
    seen, typed = [], "word"
    for _ in range(len(STATUSES) + 1):
        typed = next_status(typed)
        seen.append(typed)
    assert {part for part in " ".join(seen).split() if ":" in part} == {f"status:{status}" for status in STATUSES}
    assert seen[-1] == "word"
    assert next_status("status:nonsense word") == "word"


@pytest.mark.parametrize(
    ("typed", "name"), [("chanel:sms", "chanel"), ("late name:x", "name"), ("id:1", "id"), ("push:ios", "push")]
)
def test_a_term_that_is_none_is_said_and_not_taken_for_a_word(typed: str, name: str) -> None:
    query = Query.parse(typed)
    assert query.wrong == f"no term {name}: (quotes make a word)"


@pytest.mark.parametrize("typed", ["https://a.b", '"push:ios"', "12:30", "10.0.0.1:80"])
def test_what_is_no_term_and_looks_like_none_is_a_word(typed: str) -> None:
    assert (Query.parse(typed).wrong, Query.parse(typed).words) == ("", typed.strip('"'))


def test_an_exact_id_is_asked_for() -> None:
    query = Query.parse("late 3F2504E0-4F89-11D3-9A0C-0305E82C3301")
    assert (query.identity, query.words) == ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "late")
