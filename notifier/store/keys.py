"""Every Redis key: one line each, with its type and its life beside it. Nothing else spells a key.

On one server the keys read as the contract names them. On Redis Cluster every key of a user carries the user key as
hash tag, so that what a script changes together shares a slot, and the indexes are kept once per slot, beside the users
in it (a shard): so a script changes them together with the inbox there too. Scripts get the same names through
`lua_prelude`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from notifier.domain.channels import lua_words
from notifier.domain.status import lua_table
from notifier.store.redis.slots import slot_of, tags

T = TypeVar("T")

GROUP = "notifications"
WORKERS = "workers"
INDEXES = ("users", "logins", "pending", "expiry", "snoozed", "overfull", "retained", "totals")

_LUA = """
pcall(redis.replicate_commands)  -- Redis < 7 refuses writes after TIME without it
local function stream_key(u) return 'stream:user:' .. %(open)s u %(close)s end
local function payload_key(u, nid) return 'notification:' .. %(payload)s nid end
local function state_key(u) return 'notification_state:' .. %(open)s u %(close)s end
local function marks_key(u) return 'notif:marks:' .. %(open)s u %(close)s end
local function named_key(u) return 'notif:keys:' .. %(open)s u %(close)s end
local function rev_key(u) return 'notif:rev:' .. %(open)s u %(close)s end
local function lock_key(u) return 'notif:lock:consumer:' .. %(open)s u %(close)s end
local function route_key(u) return 'notif:route:' .. %(open)s u %(close)s end
local function sole_key(u) return 'notif:sole:' .. %(open)s u %(close)s end
local function retention_key(u) return 'notif:retention:' .. %(open)s u %(close)s end
local function cleared_key(u) return 'notif:cleared:' .. %(open)s u %(close)s end
local function limit_key(name, u) return 'notif:limit:' .. name .. ':' .. %(open)s u %(close)s end
local function index(name) return 'notif:' .. name %(shard)s end
"""


# Deliveries share one slot, so that what a script changes together is together in a cluster too.
#   record:ID                a delivery            hash; DELIVERY_RETENTION after its end
#   queue:CHANNEL:PRIORITY   what waits            stream, group `workers`; entries until they are finished
#   schedule                 what will be due      sorted set by ms
#   index:…                  records by creation   sorted sets; entries as long as their records
#   done                     what has ended        sorted set by ms; as long as the records
#   held:WHY:CHANNEL         what waits untried    sorted set by the ms of its beginning; until it is tried
#   dlq, dlq:reasons         dead letters          sorted set by ms; hash "reason channel" -> how many
#   batch:ID, batch:ID:list  a batch               hash status -> how many; sorted set by place; as its records
#   key:DIGEST               idempotency key       string; IDEMPOTENCY_TTL
#   rate:CHANNEL             when all is free      string; a second
#   user_rate:DIGEST         sends in this window  string; RATE_LIMIT_WINDOW
#   circuit:PROVIDER[ HOST]  failures in a row     hash; a day, a host's ten minutes
#   circuit_hosts            circuits of hosts     sorted set by the ms of their end; ten minutes
#   paused, turns            channels              set; hash; permanent
# A user's addresses (`session/`) are here too; each has a life of its own, SESSION_TTL, renewed by its use.
#   sessions:DIGEST          addresses of a user   hash "PLATFORM:DIGEST" -> record; as the last of them
#   session_ends:DIGEST      when each of them ends  sorted set by ms; as the last of them
#   session_since:DIGEST     when each was registered  sorted set by µs; as the last of them
#   session_owner:PLATFORM:DIGEST  whose a device is  string, digest of the user; as the address
DELIVERIES = "notif:{delivery}:"
_DELIVERY_LUA = f"""
local PREFIX = '{DELIVERIES}'
local GROUP = '{WORKERS}'
local function record_key(id) return PREFIX .. 'record:' .. id end
local function queue_key(channel, priority) return PREFIX .. 'queue:' .. channel .. ':' .. priority end
local function index_key(name) return PREFIX .. 'index:' .. name end
local function held_key(why, channel) return PREFIX .. 'held:' .. why .. ':' .. channel end
local function batch_key(id) return PREFIX .. 'batch:' .. id end
local function batch_list_key(id) return PREFIX .. 'batch:' .. id .. ':list' end
local function idempotency_key(digest) return PREFIX .. 'key:' .. digest end
local function rate_key(channel) return PREFIX .. 'rate:' .. channel end
local function user_rate_key(digest) return PREFIX .. 'user_rate:' .. digest end
local function sessions_key(user) return PREFIX .. 'sessions:' .. user end
local function session_ends_key(user) return PREFIX .. 'session_ends:' .. user end
local function session_since_key(user) return PREFIX .. 'session_since:' .. user end
local function session_owner_key(field) return PREFIX .. 'session_owner:' .. field end
local function circuit_key(name) return PREFIX .. 'circuit:' .. name end
local schedule_key, done_key = PREFIX .. 'schedule', PREFIX .. 'done'
local dlq_key, dlq_reasons_key = PREFIX .. 'dlq', PREFIX .. 'dlq:reasons'
local circuit_hosts_key = PREFIX .. 'circuit_hosts'
local paused_key, turns_key = PREFIX .. 'paused', PREFIX .. 'turns'
"""
DELIVERY_LUA = "pcall(redis.replicate_commands)\n" + _DELIVERY_LUA + lua_words() + lua_table()


class Keys:
    """The names of all keys on one server. Each line tells the type of the key and how long it lives."""

    cluster = False
    shards: tuple[str, ...] = ("",)  # the names of the parts that every index has

    # of one user
    def stream(self, user: str) -> str:
        """Stream; while it has entries or somebody holds the lock."""
        return f"stream:user:{user}"

    def payload(self, user: str, notification_id: str) -> str:
        """String; the notification's time to live."""
        return f"notification:{notification_id}"

    def state(self, user: str) -> str:
        """Hash, uuid -> read, or snoozed while it is put off; while it has fields."""
        return f"notification_state:{user}"

    def marks(self, user: str) -> str:
        """Hash, uuid -> when it was seen, read, archived, snoozed until, acted on; as its entry."""
        return f"notif:marks:{user}"

    def named(self, user: str) -> str:
        """Hash, a caller's name and key -> uuid; a month longer than the longest payload."""
        return f"notif:keys:{user}"

    def rev(self, user: str) -> str:
        """String, changes of the inbox that neither its last id nor its read state tells; as the stream."""
        return f"notif:rev:{user}"

    def lock(self, user: str) -> str:
        """String, the pod; LOCK_TTL, renewed."""
        return f"notif:lock:consumer:{user}"

    def route(self, user: str) -> str:
        """Hash, pods with connections and the fence of the lock; LOCK_TTL, renewed."""
        return f"notif:route:{user}"

    def sole(self, user: str) -> str:
        """String, pod and fence of the lock's holder while no other pod serves the user; as the lock."""
        return f"notif:sole:{user}"

    def retention(self, user: str) -> str:
        """String, days; permanent."""
        return f"notif:retention:{user}"

    def cleared(self, user: str) -> str:
        """List, what expired unread and has not been told; 15 days."""
        return f"notif:cleared:{user}"

    def devices(self, user: str) -> str:
        """Hash, id -> hash and time of a device's token, at most 32; a year and a day, renewed by their use."""
        return f"notif:devices:{user}"

    def limit(self, name: str, user: str) -> str:
        """String, when all of a rate limit is free again; until then."""
        return f"notif:limit:{name}:{user}"

    # of one pod
    def bus(self, pod: str) -> str:
        """Stream; BUS_TTL, renewed."""
        return f"notif:bus:{pod}"

    def pod(self, pod: str) -> str:
        """String, what the pod says of itself; PRESENCE_TTL, renewed."""
        return f"notif:pod:{pod}"

    # of the whole cluster
    def device(self, digest: str) -> str:
        """String, what a device's token opens; its `ttl`, at most a year, renewed by its use."""
        return f"notif:device:{digest}"

    def idempotency(self, caller: str, digest: str) -> str:
        """Hash; IDEMPOTENCY_TTL."""
        return f"notif:idem:{caller}:{digest}"

    def sweep(self, name: str) -> str:
        """String, the pod that sweeps; half the sweep's interval."""
        return f"notif:sweep:{name}"

    def history(self, hour: int) -> str:
        """Hash, minute and pod -> figures; 25 hours. `hour` counts from 1970."""
        return f"notif:history:{hour}"

    def trial(self, home: str) -> str:
        """String, whether a server takes writes; ten seconds. `home` is a hash tag of that server."""
        return "notif:trial"

    def delivery(self, name: str) -> str:
        """A key of deliveries or sessions; see the list above."""
        return DELIVERIES + name

    spoilt = "notif:spoilt:"  # before the name of a key that held another type, in its slot; any; 15 days
    events = "notif:events"  # stream; a minute, renewed while somebody follows
    past = "notif:past"  # stream, at most 1,000 notable events; 25 hours after the last
    heartbeats = "notif:pods:hb"  # hash, pod -> Unix seconds; permanent, like all that follow
    fence = "notif:fence"  # string, the number of the last pod started
    epoch = "notif:epoch"  # string, a random number given to a data set that had none
    totals = "notif:totals"  # hash, counters since the first start
    signing = "notif:link_secret"  # string, what links that act are signed with
    api_keys = "notif:api_keys"  # hash, id -> what is kept of an API key; at most 1,000

    # the indexes over all users, permanent; `shard` is one of `shards`
    #   users, logins   sorted sets, users known, by key and by login
    #   pending         sorted set, users with something unread, by key
    #   expiry          sorted set, user -> Unix ms when the next payload goes
    #   snoozed         sorted set, user, US (0x1f) and uuid -> Unix ms when it comes back, or comes for the first time
    #   overfull        set, users with more than STREAM_MAXLEN
    #   retained        set, users whose retention was set
    #   totals          hash, `pending`: unread notifications (on one server beside the cluster's counters)
    def index(self, name: str, shard: str) -> str:
        """One part of an index."""
        return f"notif:{name}"

    def shard_of(self, user: str) -> int:
        """The number of the shard in which a user is indexed."""
        return 0

    def by_shard(self, items: Sequence[T], user_of: Callable[[T], str]) -> list[Sequence[T]]:
        """Groups that one script each can deal with: all in one, but in a cluster. `user_of` gives an item's user."""
        if len(self.shards) == 1 or len(items) == 1:
            return [items]
        groups: dict[int, list[T]] = {}
        for item in items:
            groups.setdefault(self.shard_of(user_of(item)), []).append(item)
        return list(groups.values())

    def script_keys(self, key: str) -> tuple[str, ...]:
        """The KEYS of a script for the slot of `key`."""
        return (key,)

    @property
    def permanent(self) -> frozenset[str]:
        """Keys that may live for ever, beside those that begin with `permanent_prefixes`."""
        return frozenset(
            {self.heartbeats, self.fence, self.epoch, self.totals, self.api_keys, self.signing}
            | {self.index(name, "") for name in INDEXES}
        )

    permanent_prefixes = (
        *("stream:user:", "notification_state:", "notif:retention:", "notif:marks:", "notif:rev:"),
        DELIVERIES,
    )

    @property
    def lua_prelude(self) -> str:
        """Lua functions that name the keys which a script builds itself."""
        return _LUA % {"open": "", "close": "", "payload": "", "shard": ""}


class ClusterKeys(Keys):
    """The same on Redis Cluster."""

    cluster = True

    def __init__(self) -> None:
        self.shards = tags()

    def stream(self, user: str) -> str:
        return f"stream:user:{{{user}}}"

    def payload(self, user: str, notification_id: str) -> str:
        return f"notification:{{{user}}}:{notification_id}"

    def state(self, user: str) -> str:
        return f"notification_state:{{{user}}}"

    def marks(self, user: str) -> str:
        return f"notif:marks:{{{user}}}"

    def named(self, user: str) -> str:
        return f"notif:keys:{{{user}}}"

    def rev(self, user: str) -> str:
        return f"notif:rev:{{{user}}}"

    def lock(self, user: str) -> str:
        return f"notif:lock:consumer:{{{user}}}"

    def route(self, user: str) -> str:
        return f"notif:route:{{{user}}}"

    def sole(self, user: str) -> str:
        return f"notif:sole:{{{user}}}"

    def retention(self, user: str) -> str:
        return f"notif:retention:{{{user}}}"

    def cleared(self, user: str) -> str:
        return f"notif:cleared:{{{user}}}"

    def devices(self, user: str) -> str:
        return f"notif:devices:{{{user}}}"

    def limit(self, name: str, user: str) -> str:
        return f"notif:limit:{name}:{{{user}}}"

    def index(self, name: str, shard: str) -> str:
        return f"notif:{name}:{{{shard}}}"

    def trial(self, home: str) -> str:
        return f"notif:trial:{{{home}}}"

    def shard_of(self, user: str) -> int:
        return slot_of(user)

    def script_keys(self, key: str) -> tuple[str, ...]:
        return key, f"notif:shard:{{{self.shards[slot_of(key)]}}}"

    @property
    def lua_prelude(self) -> str:
        parts = {"open": "'{' ..", "close": ".. '}'", "payload": "'{' .. u .. '}:' ..", "shard": ".. SHARD"}
        return "local SHARD = string.match(KEYS[2], ':%b{}$')\n" + _LUA % parts
