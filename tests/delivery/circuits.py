"""Circuits as the tests of the store and of deliveries meet them: two providers, and a pod's view of them."""

import time

from notifier.delivery.breakers import BreakerPolicy, Breakers

SMS = "sms:relay"
HOOK = "webhook:recipient"
HOST = f"{HOOK} example.com:443"


def breakers_of(circuits, failures=3, reset=30.0):
    """A pod's view; what it tells goes into `told`."""
    told = []
    found = Breakers(circuits, lambda *facts: told.append(facts), time.time, BreakerPolicy(failures, reset))
    found.told = told
    found.add([SMS, HOOK])
    return found
