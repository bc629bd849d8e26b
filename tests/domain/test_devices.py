"""Tokens of devices: their form."""

import re

from notifier.domain.devices import may_be_device_token, new_device_token


def test_a_token_has_the_form_that_ntfys_clients_take():
    made = {new_device_token() for _ in range(100)}
    assert len(made) == 100 and all(re.fullmatch("tk_[a-z0-9]{29}", token) for token in made)
    assert all(map(may_be_device_token, made))
    one = made.pop()
    assert not any(map(may_be_device_token, ("", one[:-1], one + "a", one.upper(), "ntf_" + one[4:], one + "\n")))
