"""Memory of a connection while nothing happens."""

import gc
import tracemalloc

from notifier.domain.users import User
from notifier.live.connection import Connection

MANY = 500
MOST = 600  # bytes, apart from the user's name and what the event loop has for its socket


def test_a_connection_is_small():
    user, made = User(1, "alice"), [None] * MANY
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(MANY):
            made[number] = Connection(user, None, now=1.0, max_frame=65_536, send_buffer=1_048_576)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / MANY <= MOST
