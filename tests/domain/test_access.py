"""Scopes, callers and the names of keys."""

import pytest

from notifier.domain.access import (
    ADMIN_TOKEN,
    ANYBODY,
    MAX_SCOPES,
    Caller,
    Scope,
    name_problem,
    ordered,
    scopes_problem,
)
from notifier.domain.users import User

ALICE = User(1, "alice")


def test_admin_includes_the_others():
    assert all(caller.may(scope) for caller in (ANYBODY, ADMIN_TOKEN) for scope in Scope)
    sender = Caller("key:shop", frozenset({Scope.NOTIFY}))
    assert {scope for scope in Scope if sender.may(scope)} == {Scope.NOTIFY}
    assert Caller("key:ops", frozenset({Scope.ADMIN})).may(Scope.READ)
    looker = Caller("key:looker", frozenset({Scope.OBSERVE}))
    assert {scope for scope in Scope if looker.may(scope)} == {Scope.OBSERVE, Scope.READ}


def test_an_inbox_is_open_to_its_user_and_to_operators():
    assert Caller("user:1-alice", user=ALICE).may_follow(ALICE)
    assert not Caller("user:2-bob", user=User(2, "bob")).may_follow(ALICE)
    assert not Caller("key:shop", frozenset({Scope.NOTIFY, Scope.READ})).may_follow(ALICE)
    assert ADMIN_TOKEN.may_follow(ALICE)


def test_two_keys_of_one_name_are_two_callers_and_no_key_is_a_user():
    one, two = Caller("key:shop", key_id="a" * 32), Caller("key:shop", key_id="b" * 32)
    assert one.identity != two.identity != Caller("user:1-alice", user=ALICE).identity
    assert Caller("user:1-alice", user=ALICE).identity == "user:1-alice"


@pytest.mark.parametrize("name", ["shop", "a", "The Shop 2", "a.b_c@d+e-", "x" * 64])
def test_names_that_are_taken(name):
    assert name_problem(name) is None


@pytest.mark.parametrize("name", ["", "x" * 65, "a:b", "-a", "a ", " a", "a\n", "é", "a/b", None, 5, ["a"]])
def test_names_that_are_not(name):
    assert name_problem(name)


@pytest.mark.parametrize("scopes", [[], "notify", ["root"], [5], [["notify"]], None, ["notify"] * (MAX_SCOPES + 1)])
def test_scopes_that_are_not_taken(scopes):
    assert scopes_problem(scopes)


def test_scopes_once_each_in_one_order():
    assert scopes_problem(["admin", "notify", "admin"]) is None
    assert ordered(["admin", "notify", "admin"]) == (Scope.NOTIFY, Scope.ADMIN)
