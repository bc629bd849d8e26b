"""Invariants of deliveries in Redis at any moment: recomputed from the records alone."""

from collections import Counter

from notifier.domain.status import FINAL, Status
from notifier.store.keys import DELIVERIES

FIELDS = ("status", "channel", "priority", "created", "entry", "batch", "reason", "user", "recipient", "why")


async def records_of(redis):
    """Every record by its id."""
    names = [name.decode() for name in await redis.call("KEYS", DELIVERIES + "record:*")]
    rows = await redis.call_many([("HMGET", name, *FIELDS) for name in names])
    values = [[(value or b"").decode() for value in row] for row in rows]
    ids = [name.removeprefix(DELIVERIES + "record:") for name in names]
    return {one: dict(zip(FIELDS, row, strict=True)) for one, row in zip(ids, values, strict=True)}


async def check_consistent(redis):
    """Asserts that indexes, queues, schedule, dead letters and batches say what the records say."""
    everything = await records_of(redis)  # among them what never became a delivery, and has no channel
    records = {one: record for one, record in everything.items() if record["channel"]}
    wanted = {}
    for one, record in records.items():
        names = ["all", f"channel:{record['channel']}", f"status:{record['status']}"]
        names += [f"status:{record['status']}:{record['channel']}"]
        names += [f"{kind}:{record[kind]}" for kind in ("user", "recipient") if record[kind]]
        for name in names:
            wanted.setdefault(name, {})[one] = float(record["created"])
    assert await _sorted_sets(redis, "index:") == wanted
    assert await _queued(redis) == {
        one: record["status"] for one, record in records.items() if record["status"] in ("queued", "processing")
    }
    scheduled = await _members(redis, "schedule")
    assert scheduled == {one for one, record in records.items() if record["status"] in ("scheduled", "retrying")}
    assert await _members(redis, "done") == {one for one, record in everything.items() if record["status"] in FINAL}
    held = {}
    for one, record in records.items():
        if record["why"]:
            held.setdefault(f"{record['why']}:{record['channel']}", set()).add(one)
    assert {name: set(members) for name, members in (await _sorted_sets(redis, "held:")).items()} == held
    dead = await _members(redis, "dlq")
    assert dead <= {one for one, record in everything.items() if record["status"] == Status.FAILED}
    reasons = Counter(f"{everything[one]['reason']} {everything[one]['channel']}" for one in dead)
    assert await _counts(redis, "dlq:reasons") == reasons
    for batch in {record["batch"] for record in records.values() if record["batch"]}:
        found = Counter(record["status"] for record in records.values() if record["batch"] == batch)
        assert +Counter(await _counts(redis, f"batch:{batch}")) == found


async def _sorted_sets(redis, prefix):
    found = {}
    for name in await redis.call("KEYS", f"{DELIVERIES}{prefix}*"):
        rows = await redis.call("ZRANGE", name, 0, -1, "WITHSCORES")
        key = name.decode().removeprefix(DELIVERIES + prefix)
        found[key] = {rows[i].decode(): float(rows[i + 1]) for i in range(0, len(rows), 2)}
    return found


async def _members(redis, name):
    return {one.decode() for one in await redis.call("ZRANGE", DELIVERIES + name, 0, -1)}


async def _counts(redis, name):
    rows = await redis.call("HGETALL", DELIVERIES + name)
    return {rows[i].decode(): int(rows[i + 1]) for i in range(0, len(rows), 2)}


async def _queued(redis):
    """The deliveries in the queues: `processing` where an instance holds one."""
    found = {}
    for name in await redis.call("KEYS", f"{DELIVERIES}queue:*"):
        for entry, fields in await redis.call("XRANGE", name, "-", "+"):
            groups = await redis.call("XINFO", "GROUPS", name)
            held = await redis.call("XPENDING", name, "workers", entry, entry, 1) if groups else []
            found[fields[1].decode()] = "processing" if held else "queued"
    return found
