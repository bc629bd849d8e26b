"""Commands packed by hand are those that hiredis packs."""

import hiredis
import pytest

from notifier.store.lean.packed import (
    AS_READ,
    EXEC,
    MULTI,
    acknowledge,
    add_entry,
    add_to,
    bulk,
    count_there,
    get_all,
    mark_read,
    move_group,
    new_for,
    open_bulk,
    word_of_abort,
)

STREAM, GROUP = "stream:user:1-élan", "notifications"
NID = b"00000000-0000-4000-8000-000000000000"
IDS = [b"1700000000000-0", b"1700000000001-12"]


@pytest.mark.parametrize(
    ("packed", "command"),
    [
        (MULTI, ("MULTI",)),
        (EXEC, ("EXEC",)),
        (get_all([bulk("a"), bulk("é")]), ("MGET", "a", "é")),
        (count_there([open_bulk("a:") + NID + b"\r\n"]), ("EXISTS", b"a:" + NID)),
        (b"*6\r\n$3\r\nSET\r\n" + bulk("é") + bulk("v") + new_for(900_000), ("SET", "é", "v", "NX", "PX", "900000")),
        (add_entry(bulk(STREAM)) + NID + b"\r\n", ("XADD", STREAM, "*", "nid", NID)),
        (mark_read(bulk("é")) + NID + AS_READ, ("HSETNX", "é", NID, "read")),
        (move_group(bulk(STREAM), bulk(GROUP)) + bulk("1-0"), ("XGROUP", "SETID", STREAM, GROUP, "1-0")),
        (acknowledge(bulk(STREAM), bulk(GROUP), IDS), ("XACK", STREAM, GROUP, *IDS)),
        (add_to(bulk("é"), bulk("f"), -12), ("HINCRBY", "é", "f", "-12")),
    ],
    ids=["multi", "exec", "mget", "exists", "set", "xadd", "hsetnx", "setid", "xack", "hincrby"],
)
def test_as_hiredis_packs_it(packed, command):
    assert packed == hiredis.pack_command(command)


def test_the_reason_in_an_aborted_transaction():
    text = "EXECABORT Transaction discarded because of: OOM command not allowed"
    assert word_of_abort(Exception(text)) == "OOM command not allowed"
    assert word_of_abort(Exception("EXECABORT Transaction discarded because of previous errors.")) is None
    assert word_of_abort(Exception("ERR discarded because of: x")) is None
