"""Names of keys: alike in Python and in scripts, as the contract has them on one server, in one slot in a cluster."""

import re

import pytest

from notifier.store.keys import DELIVERIES, DELIVERY_LUA, INDEXES, ClusterKeys, Keys
from notifier.store.redis.slots import slot_of

USER = "1-alice"
OF_A_USER = ("stream", "state", "marks", "named", "rev", "lock", "route", "sole", "retention", "cleared")


def names_of(keys):
    """Every key of one user."""
    found = {name: getattr(keys, name)(USER) for name in OF_A_USER}
    return found | {"payload": keys.payload(USER, "nid"), "limit": keys.limit("notify", USER)}


def test_the_contract_s_names_on_one_server():
    names = names_of(Keys())
    assert names["stream"] == "stream:user:1-alice"
    assert names["payload"] == "notification:nid"
    assert names["state"] == "notification_state:1-alice"
    assert names["lock"] == "notif:lock:consumer:1-alice"


def test_in_a_cluster_all_keys_of_a_user_share_a_slot_with_their_part_of_every_index():
    keys = ClusterKeys()
    slots = {slot_of(name) for name in names_of(keys).values()}
    shard = keys.shards[keys.shard_of(USER)]
    slots |= {slot_of(keys.index(name, shard)) for name in INDEXES}
    slots |= {slot_of(name) for name in keys.script_keys(keys.stream(USER))}
    assert slots == {slot_of(USER)}


@pytest.mark.parametrize("keys", [Keys(), ClusterKeys()], ids=["server", "cluster"])
async def test_scripts_spell_them_alike(redis, keys):
    prelude = keys.lua_prelude
    calls = [f"{name}_key('{USER}')" for name in re.findall(r"function (\w+)_key\(u\)", prelude)]
    calls += [f"payload_key('{USER}', 'nid')", f"limit_key('notify', '{USER}')"]
    calls += [f"index('{name}')" for name in INDEXES]
    spelt = await redis.call(
        "EVAL", f"{prelude}\nreturn {{{', '.join(calls)}}}", *with_count(keys.script_keys(keys.stream(USER)))
    )
    shard = keys.shards[keys.shard_of(USER)]
    known = {*names_of(keys).values(), *(keys.index(name, shard) for name in INDEXES)}
    assert {name.decode() for name in spelt} == known


def with_count(names):
    return len(names), *names


async def test_scripts_of_deliveries_stay_in_one_slot(redis):
    functions = re.findall(r"function (\w+)\((.*?)\)", DELIVERY_LUA.split("local schedule_key")[0])
    made = [
        f"{name}({', '.join(repr(part) for part in 'xyz'[: len(arguments.split(','))])})"
        for name, arguments in functions
    ]
    plain = ["schedule_key", "done_key", "dlq_key", "dlq_reasons_key", "circuit_hosts_key", "paused_key", "turns_key"]
    spelt = await redis.call("EVAL", f"{DELIVERY_LUA}\nreturn {{{', '.join([*made, *plain])}}}", 0)
    assert len(spelt) == len(made) + len(plain)
    assert {slot_of(name) for name in spelt} == {slot_of(DELIVERIES)}
    assert all(name.decode().startswith(DELIVERIES) for name in spelt)


def test_items_in_groups_that_a_script_each_can_deal_with():
    users = [f"{number}-u" for number in range(1, 8)] * 2
    assert Keys().by_shard(users, str) == [users]
    groups = ClusterKeys().by_shard(users, str)
    assert sorted(user for group in groups for user in group) == sorted(users)
    assert all(len({slot_of(user) for user in group}) == 1 for group in groups)
    assert len(groups) == len({slot_of(user) for user in users})
    assert ClusterKeys().by_shard([], str) == []
