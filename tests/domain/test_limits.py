"""Limits of what a client may send (contract §4)."""

from notifier.domain.limits import MessageBudget


def test_a_burst_of_100_then_50_a_second():
    budget = MessageBudget(0.0)
    assert all(budget.take(0.0) for _ in range(100))
    assert not budget.take(0.0)
    assert sum(budget.take(1.0) for _ in range(80)) == 50


def test_ten_seconds_over_it_are_too_many():
    budget = MessageBudget(0.0)
    refused_since = None
    for tenth in range(120):
        now = tenth / 10
        taken = [budget.take(now) for _ in range(20)]
        if refused_since is None and not all(taken):
            refused_since = now
        assert budget.exhausted(now) == (refused_since is not None and now - refused_since >= 10.0)
    assert refused_since is not None and refused_since < 1.0


def test_a_pause_ends_the_offence():
    budget = MessageBudget(0.0)
    for _ in range(101):
        budget.take(0.0)
    for _ in range(300):
        budget.take(5.0)
    assert not budget.exhausted(12.0)


def test_a_token_that_is_given_back_can_be_taken_again():
    budget = MessageBudget(0.0)
    for _ in range(100):
        assert budget.take(0.0)
        budget.give_back()
    assert all(budget.take(0.0) for _ in range(100)) and not budget.take(0.0)
