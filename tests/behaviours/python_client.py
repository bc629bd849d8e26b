"""`notifier.client` driven by lines of JSON: commands on stdin, events on stdout. `driver.py` describes both.

The argument is how many seconds this process' wall clock is ahead.
"""

import asyncio
import datetime
import json
import random
import sys
import time

AHEAD = float(sys.argv[1])


class SkewedDatetime(datetime.datetime):
    """A `datetime` that reads this process' clock."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return cls.now(datetime.UTC).replace(tzinfo=None)


true_time = time.time
time.time = lambda: true_time() + AHEAD
datetime.datetime = SkewedDatetime

from notifier.client import Client, ClientError, Clock  # noqa: E402  (only now, so that it knows the skewed clock)


class FastClock(Clock):
    """Time that passes `speed` times as fast."""

    def __init__(self, speed):
        self.speed = speed
        self.passed = 0.0

    def now(self):
        return super().now() * self.speed + self.passed

    async def sleep(self, seconds):
        await super().sleep(seconds / self.speed)


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class Follower:
    """One client, from `connect` to `close`."""

    def __init__(self, options):
        self.stream_ids = {}
        self.listener = None
        self.clock = FastClock(options["speed"])
        self.task = asyncio.create_task(self.follow(options))

    async def follow(self, options):
        die = random.random if options["die"] is None else lambda: options["die"]
        try:
            async with Client(options["url"], options["token"], clock=self.clock, die=die) as client:
                self.listener = client.listen(options["user_id"], options["login"], states=True)
                async for message in self.listener:
                    self.show(message)
        except ClientError as error:
            tell("stopped", code=error.code)

    def show(self, message):
        data = message.data
        match message.type:
            case "client.state" if data["state"] == "connected":
                tell("connected")
            case "client.state":
                tell("waiting", delay=data["delay"], code=data["code"])
            case "sync.complete":
                tell("counts", **self.listener.counts or {})
                tell("online")
            case "inbox.counts":
                tell("counts", **self.listener.counts)
            case "notification.push":
                self.show_push(data)
            case "notification.read.ack":
                tell("read", id=data["notification_id"])
            case "error":
                tell("error", code=data["code"])

    def show_push(self, data):
        known = data["notification_id"] in self.stream_ids
        self.stream_ids[data["notification_id"]] = data["stream_id"]
        if data["status"] == "auto_cleared":
            tell("cleared", id=data["notification_id"])
        elif known and data["status"] != "unread":
            tell(data["status"], id=data["notification_id"])
        else:
            tell("push", id=data["notification_id"], message=data["message"], status=data["status"])

    async def obey(self, command):
        match command["do"]:
            case "read":
                await self.listener.ack(command["id"], self.stream_ids[command["id"]])
            case "read_all":
                await self.listener.ack_all()
            case "pass":
                self.clock.passed += command["seconds"]
                tell("passed")
            case "close":
                self.task.cancel()
                await asyncio.gather(self.task, return_exceptions=True)
                tell("closed")


async def main():
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    follower = None
    async for line in lines:
        command = json.loads(line)
        if command["do"] == "connect":
            follower = Follower(command)
        else:
            await follower.obey(command)


asyncio.run(main())
