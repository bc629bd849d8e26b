"""Every Redis key: one line each, with its type and its life beside it. Nothing else spells a key.

On one server the keys read as the contract names them. On Redis Cluster every key of a user carries the user key as
hash tag, so that what a script changes together shares a slot. Scripts get the same names through `lua_prelude`.
"""

from __future__ import annotations

GROUP = "notifications"


class Keys:
    """The names of all keys."""

    # of one user                                                         type    life
    def stream(self, user: str) -> str:  #                                stream  while it has entries or a lock
        return f"stream:user:{user}"

    def payload(self, user: str, notification_id: str) -> str:  #         string  TTL of the notification
        return f"notification:{notification_id}"

    def state(self, user: str) -> str:  #                                 hash    while it has fields
        return f"notification_state:{user}"

    def lock(self, user: str) -> str:  #                                  string  LOCK_TTL, renewed
        return f"notif:lock:consumer:{user}"

    def route(self, user: str) -> str:  #                                 hash    LOCK_TTL, renewed: pods with connections, fence
        return f"notif:route:{user}"

    def retention(self, user: str) -> str:  #                             string  permanent
        return f"notif:retention:{user}"

    def cleared(self, user: str) -> str:  #                               list    15 days: expired unread, not told yet
        return f"notif:cleared:{user}"

    # of one pod
    def bus(self, pod: str) -> str:  #                                    stream  BUS_TTL, renewed
        return f"notif:bus:{pod}"

    def pod(self, pod: str) -> str:  #                                    string  PRESENCE_TTL, renewed: what the pod says of itself
        return f"notif:pod:{pod}"

    def idempotency(self, caller: str, digest: str) -> str:  #            hash    IDEMPOTENCY_TTL
        return f"notif:idem:{caller}:{digest}"

    def sweep(self, name: str) -> str:  #                                 string  the sweep's interval: who sweeps
        return f"notif:sweep:{name}"

    # of the whole cluster
    heartbeats = "notif:pods:hb"  #                                       hash    permanent: pod -> unix seconds
    fence = "notif:fence"  #                                              string  permanent: number of the last pod started
    totals = "notif:totals"  #                                            hash    permanent: counters since the first start
    events = "notif:events"  #                                            stream  EVENTS_TTL, renewed while someone listens
    users = "notif:users"  #                                              zset    permanent: users known, by key
    logins = "notif:logins"  #                                            zset    permanent: the same, by login
    pending = "notif:pending"  #                                          zset    permanent: users with something unread, by key
    expiry = "notif:expiry"  #                                            zset    permanent: user -> ms when the next payload goes
    overfull = "notif:overfull"  #                                        set     permanent: users with more than STREAM_MAXLEN
    retained = "notif:retained"  #                                        set     permanent: users whose retention changed

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
