"""Every Redis key: one line each, with its type and its life beside it. Nothing else spells a key.

On one server the keys read as the contract names them. On Redis Cluster every key of a user carries the user key as
hash tag, so that what a script changes together shares a slot. Scripts get the same names through `lua_prelude`.
"""

from __future__ import annotations

GROUP = "notifications"


class Keys:
    """The names of all keys. Each line tells the type of the key and how long it lives."""

    # of one user
    def stream(self, user: str) -> str:
        """Stream; while it has entries or somebody holds the lock."""
        return f"stream:user:{user}"

    def payload(self, user: str, notification_id: str) -> str:
        """String; the notification's time to live."""
        return f"notification:{notification_id}"

    def state(self, user: str) -> str:
        """Hash, uuid -> read; while it has fields."""
        return f"notification_state:{user}"

    def lock(self, user: str) -> str:
        """String, the pod; LOCK_TTL, renewed."""
        return f"notif:lock:consumer:{user}"

    def route(self, user: str) -> str:
        """Hash, pods with connections and the fence of the lock; LOCK_TTL, renewed."""
        return f"notif:route:{user}"

    def retention(self, user: str) -> str:
        """String, days; permanent."""
        return f"notif:retention:{user}"

    def cleared(self, user: str) -> str:
        """List, what expired unread and has not been told; 15 days."""
        return f"notif:cleared:{user}"

    # of one pod
    def bus(self, pod: str) -> str:
        """Stream; BUS_TTL, renewed."""
        return f"notif:bus:{pod}"

    def pod(self, pod: str) -> str:
        """String, what the pod says of itself; PRESENCE_TTL, renewed."""
        return f"notif:pod:{pod}"

    # of the whole cluster
    def idempotency(self, caller: str, digest: str) -> str:
        """Hash; IDEMPOTENCY_TTL."""
        return f"notif:idem:{caller}:{digest}"

    def sweep(self, name: str) -> str:
        """String, the pod that sweeps; half the sweep's interval."""
        return f"notif:sweep:{name}"

    events = "notif:events"  # stream; a minute, renewed while somebody follows
    heartbeats = "notif:pods:hb"  # hash, pod -> Unix seconds; permanent, like all that follow
    fence = "notif:fence"  # string, the number of the last pod started
    totals = "notif:totals"  # hash, counters since the first start
    users = "notif:users"  # sorted set, users known, by key
    logins = "notif:logins"  # sorted set, the same, by login
    pending = "notif:pending"  # sorted set, users with something unread, by key
    expiry = "notif:expiry"  # sorted set, user -> Unix ms when the next payload goes
    overfull = "notif:overfull"  # set, users with more than STREAM_MAXLEN
    retained = "notif:retained"  # set, users whose retention was set

    @property
    def permanent(self) -> frozenset[str]:
        """Keys that may live for ever, beside those that begin with `permanent_prefixes`."""
        return frozenset(
            {self.heartbeats, self.fence, self.totals, self.users, self.logins, self.pending}
            | {self.expiry, self.overfull, self.retained}
        )

    permanent_prefixes = ("stream:user:", "notification_state:", "notif:retention:")

    @property
    def lua_prelude(self) -> str:
        """Lua functions that name the keys which a script builds itself."""
        return "\n".join(
            (
                "pcall(redis.replicate_commands)  -- Redis < 7 refuses writes after TIME without it",
                "local function stream_key(u) return 'stream:user:' .. u end",
                "local function payload_key(u, nid) return 'notification:' .. nid end",
                "local function state_key(u) return 'notification_state:' .. u end",
                "local function lock_key(u) return 'notif:lock:consumer:' .. u end",
                "local function route_key(u) return 'notif:route:' .. u end",
                "local function retention_key(u) return 'notif:retention:' .. u end",
                "local function cleared_key(u) return 'notif:cleared:' .. u end",
                "local function index(name) return 'notif:' .. name end",
            )
        )
