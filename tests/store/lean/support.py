"""One user's keys, and what the group has of them."""

BOB = {"id": 2, "login": "bob"}
STREAM, STATE, SOLE = "stream:user:1-alice", "notification_state:1-alice", "notif:sole:1-alice"


async def pending(redis):
    """The number of entries that the group's consumers have."""
    return (await redis.call("XPENDING", STREAM, "notifications"))[0]


async def has_pending(redis, number):
    """True where they are so many."""
    return await pending(redis) == number
