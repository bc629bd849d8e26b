"""Open things by the key that opened them: closed when it is revoked, forgotten when they close by themselves."""

from notifier.live.keyed import OpenByKey


def test_a_revoked_key_closes_what_it_holds_and_nothing_else():
    opened, closed = OpenByKey(), []
    for key, what in (("k1", "a"), ("k1", "b"), ("k2", "c")):
        opened.hold(key, what, lambda what=what: closed.append(what))
    assert opened.keys == ["k1", "k2"]
    opened.end("k1")
    opened.end("k1")
    assert closed == ["a", "b"] and opened.keys == ["k2"]


def test_what_closes_by_itself_is_forgotten():
    opened, closed = OpenByKey(), []
    opened.hold("k1", "a", lambda: closed.append("a"))
    opened.release("k1", "another")
    opened.release("k2", "a")
    assert opened.keys == ["k1"]
    opened.release("k1", "a")
    opened.release("k1", "a")
    opened.end("k1")
    assert opened.keys == [] and closed == []


def test_one_that_closes_while_its_key_is_revoked():
    opened, closed = OpenByKey(), []

    def close():
        opened.release("k1", "a")
        closed.append("a")

    opened.hold("k1", "a", close)
    opened.end("k1")
    assert closed == ["a"] and opened.keys == []


def test_without_a_key_nothing_is_held():
    opened = OpenByKey()
    opened.hold("", "a", lambda: None)
    assert opened.keys == []
