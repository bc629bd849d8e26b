"""Tokens, rates and targets of doors' keys."""

import re
import uuid

import pytest

from notifier.domain.doors import (
    DOORS,
    RESERVED,
    around_gotify_id,
    door_of,
    gotify_id,
    has_form,
    new_token,
    ntfy_id,
    rate_problem,
    rate_text,
    read_rate,
    to_problem,
    users_of,
)
from notifier.domain.users import User


@pytest.mark.parametrize(
    ("door", "form"),
    [
        ("gotify", "A[A-Za-z0-9._-]{14}"),
        ("ntfy", "tk_[a-z0-9]{29}"),
        ("apprise", "[A-Za-z0-9_-]{1,128}"),
        ("hooks", "hk_[A-Za-z0-9]{40}"),
    ],
)
def test_a_token_has_the_form_that_clients_take(door, form):
    tokens = {new_token(door) for _ in range(50)}
    assert len(tokens) == 50 and all(re.fullmatch(form, token) for token in tokens)
    assert all(door_of(token) == door and has_form(door, token) for token in tokens)


def test_no_other_text_is_a_token():
    for text in (
        "",
        "A",
        "tk_",
        "ntf_6d95bee8b6f84d74bf00a40b4d96e561_" + "x" * 43,
        new_token("ntfy").upper(),
        "1-alice",
    ):
        assert door_of(text) is None
    for door in DOORS:
        assert not has_form(door, new_token(door) + "x") and not has_form(door, new_token(door)[:-1])


@pytest.mark.parametrize(
    ("text", "rate"),
    [("60/1m", (60, 60.0)), ("1/s", (1, 1.0)), ("5/2h", (5, 7200.0)), ("9999999/1d", (9_999_999, 86400.0))],
)
def test_a_rate(text, rate):
    assert read_rate(text) == rate and rate_problem(text) is None and read_rate(rate_text(rate)) == rate


@pytest.mark.parametrize(
    "text", ["", "60", "0/1m", "60/0m", "60/1w", "60/2d", "-1/1m", "6e1/1m", "60/1m ", 60, None, ["60/1m"]]
)
def test_no_rate(text):
    assert rate_problem(text) is not None


def test_targets_are_named_by_user_keys():
    assert to_problem(["1-alice", "2-bob"]) is None
    assert users_of(["1-alice", "2-bob", "1-alice"]) == (User(1, "alice"), User(2, "bob"))
    for value in (
        [],
        "1-alice",
        ["alice"],
        ["1:alice"],
        [1],
        ["01-alice"],
        ["1-alice"] * 101,
        None,
        ["1-" + "a" * 129],
    ):
        assert to_problem(value) is not None


def test_reserved_words_are_the_first_segments_of_paths(client):
    own = {
        route.path.split("/")[0] for route in client.app.router.routes if not route.name.startswith("notifier.file_")
    }
    assert {name for name in own if name and "<" not in name} <= RESERVED


def test_an_id_for_ntfy_is_the_head_of_the_uuid_in_base_62():
    assert ntfy_id("00000000-0000-0000-0000-000000000000") == "0" * 12
    assert ntfy_id("ffffffff-ffff-ffff-ffff-ffffffffffff") == "7n42DGM5Tflk"
    assert ntfy_id("00000000-0000-0000-0000-000000000001") == "0" * 12
    ids = [uuid.uuid4() for _ in range(500)]
    shown = {ntfy_id(str(one)) for one in ids}
    assert len(shown) == 500 and all(re.fullmatch("[A-Za-z0-9]{12}", one) for one in shown)
    by_number = [ntfy_id(str(one)) for one in sorted(ids)]
    assert by_number == sorted(by_number)


def test_a_number_for_gotify_grows_with_the_stream_and_leads_back():
    assert gotify_id("1577836800000-0") == 0 and gotify_id("1577836800001-3") == 1027
    assert gotify_id("1577836800001-5000") == gotify_id("1577836800001-1023") == 2047
    assert gotify_id("5-0") == 0 and gotify_id("9999999999999-1023") < 2**53
    entries = [f"{ms}-{sequence}" for ms in (1577836800000, 1700000000000, 1700000000001) for sequence in (0, 1, 1023)]
    numbers = [gotify_id(entry) for entry in entries]
    assert numbers == sorted(set(numbers))
    assert [around_gotify_id(number)[0] for number in numbers] == entries


def test_the_ids_around_a_number_for_gotify():
    assert around_gotify_id(1024) == ("1577836800001-0", "1577836800000-18446744073709551615", "1577836800001-1")
    assert around_gotify_id(1025) == ("1577836800001-1", "1577836800001-0", "1577836800001-2")
    assert around_gotify_id(2047) == ("1577836800001-1023", "1577836800001-1022", "1577836800002-0")
