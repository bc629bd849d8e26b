"""Commands packed by hand are those that hiredis packs."""

import hiredis
import pytest

from notifier.store.packed import EXEC, MULTI, Sole, acknowledge, bulk, get_all, move_group, word_of_abort

SOLE = Sole("1-élan", "stream:user:1-élan", "notification_state:1-élan", "notif:sole:1-élan")
IDS = ["1700000000000-0", "1700000000001-12"]


@pytest.mark.parametrize(
    ("packed", "command"),
    [
        (MULTI, ("MULTI",)),
        (EXEC, ("EXEC",)),
        (get_all([bulk("a"), bulk("é")]), ("MGET", "a", "é")),
        (move_group(SOLE, IDS[0]), ("XGROUP", "SETID", "stream:user:1-élan", "notifications", IDS[0])),
        (acknowledge(SOLE, IDS), ("XACK", "stream:user:1-élan", "notifications", *IDS)),
    ],
    ids=["multi", "exec", "get_all", "move_group", "acknowledge"],
)
def test_as_hiredis_packs_it(packed, command):
    assert packed == hiredis.pack_command(command)


def test_the_reason_in_an_aborted_transaction():
    text = "EXECABORT Transaction discarded because of: OOM command not allowed"
    assert word_of_abort(Exception(text)) == "OOM command not allowed"
    assert word_of_abort(Exception("EXECABORT Transaction discarded because of previous errors.")) is None
    assert word_of_abort(Exception("ERR discarded because of: x")) is None
