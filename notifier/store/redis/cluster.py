"""Redis Cluster: the same commands, each sent to the master of its key's slot (Redis Cluster specification)."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

import hiredis

from notifier.errors import NotifierError
from notifier.store.keys import Keys
from notifier.store.redis.address import Address, Deployment
from notifier.store.redis.client import CONNECT_TIMEOUT, REPLY_TIMEOUT, Redis, brief
from notifier.store.redis.link import Link, OnReply, Reply, open_link, unavailable
from notifier.store.redis.script import Script
from notifier.store.redis.single import SingleRedis
from notifier.store.redis.slots import SLOTS, slot_of

LOOK_WHILE_WHOLE = 2.0  # seconds between looks at the cluster's layout
LOOK_WHILE_BROKEN = 0.05
MAX_REDIRECTS = 4

_REDIRECT = re.compile(r"(MOVED|ASK) (\d+) (.*):(\d+)").fullmatch

log = logging.getLogger("notifier.store")


class ClusterRedis(Redis):
    """A store spread over several masters. It is up while every slot has a master that can be reached."""

    def __init__(self, deployment: Deployment, keys: Keys, *, reply_timeout: float = REPLY_TIMEOUT) -> None:
        """`reply_timeout` in seconds, for each server."""
        super().__init__(keys)
        self._seeds = deployment.seeds
        self._timeout = reply_timeout
        self._nodes: dict[Address, SingleRedis] = {}
        self._masters: list[SingleRedis | None] = [None] * SLOTS
        self._task: asyncio.Task[None] | None = None
        self._stale = asyncio.Event()
        self._prepared = False

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep_whole(), name="redis cluster")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for node in self._nodes.values():
            await node.stop()

    def send(self, command: tuple[Any, ...], on_reply: OnReply) -> None:
        self._send(self._master_of(command[1]), command, on_reply, MAX_REDIRECTS)

    def send_script(self, script: Script, key: str, args: Sequence[Any], on_reply: OnReply) -> None:
        keys = self.keys.script_keys(key)
        tail = (len(keys), *keys, *args)

        def check(reply: Reply) -> None:
            if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):
                command = ("EVAL", script.text, *tail)
                self._send(self._master_of(key), command, lambda again: on_reply(self._unwrap(again)), MAX_REDIRECTS)
                return
            reply = self._unwrap(reply)
            self._note(reply)
            on_reply(reply)

        self._send(self._master_of(key), ("EVALSHA", script.sha, *tail), check, MAX_REDIRECTS)

    def send_off(self, key: str) -> None:
        node = self._masters[slot_of(key)]
        if node is not None:  # who sent to no master has been told so by then
            node.send_off(key)

    async def open_reader(self, key: str, reply_timeout: float) -> Link:
        return await self._master_of(key).open_reader(key, reply_timeout)

    def homes(self) -> Sequence[str]:
        masters = {node: slot for slot, node in enumerate(self._masters)}
        return [self.keys.shards[slot] for slot in masters.values()]

    def servers(self) -> Mapping[str, Redis]:
        return {str(node.address): node for node in set(self._masters) if node is not None}

    # -- where a command goes

    def _master_of(self, key: str | bytes) -> SingleRedis:
        node = self._masters[slot_of(key)]
        if node is None:
            raise unavailable("a slot of the cluster has no master")
        return node

    def _send(self, node: SingleRedis, command: tuple[Any, ...], on_reply: OnReply, redirects: int) -> None:
        def check(reply: Reply) -> None:
            redirect = _REDIRECT(str(reply)) if isinstance(reply, hiredis.ReplyError) else None
            if redirect is None or redirects == 0:
                self._notice(reply)
                on_reply(reply)
                return
            try:
                self._follow(redirect, node, command, on_reply, redirects - 1)
            except NotifierError as error:
                on_reply(error)

        node.send(command, check)

    def _follow(
        self, redirect: re.Match[str], asked: SingleRedis, command: tuple[Any, ...], on_reply: OnReply, redirects: int
    ) -> None:
        kind, slot, host, port = redirect.groups()
        node = self._node(asked.address.at(host or asked.address.host, int(port)))
        if kind == "MOVED":
            self._masters[int(slot)] = node
            self._stale.set()
        else:
            node.send(("ASKING",), lambda reply: None)
        self._send(node, command, on_reply, redirects)

    def _notice(self, reply: Reply) -> None:
        if isinstance(reply, Exception):
            self._stale.set()

    # -- the cluster's layout

    async def _keep_whole(self) -> None:
        while True:
            self._stale.clear()
            try:
                await self._look()
            except (OSError, TimeoutError, NotifierError, hiredis.ReplyError) as error:
                log.debug("cluster.not_seen", extra={"error": brief(error)})
            await self._judge()
            try:
                async with asyncio.timeout(LOOK_WHILE_WHOLE if self.up else LOOK_WHILE_BROKEN):
                    await self._stale.wait()
                await asyncio.sleep(LOOK_WHILE_BROKEN)
            except TimeoutError:
                continue

    def _on_break(self) -> None:
        self._prepared = False
        self._stale.set()
        self.on_break()

    async def _judge(self) -> None:
        whole = all(node is not None and node.up for node in set(self._masters))
        back = whole and not self._prepared
        if back:
            self._prepared = True  # unless something breaks meanwhile
            try:
                if self.prepare is not None:
                    await self.measure_clock()
                    await self.prepare(self.call)
            except NotifierError:
                self._prepared = whole = False
        if whole and not self.up:
            log.info("cluster.whole", extra={"masters": len(set(self._masters))})
            self._up.set()
        elif not whole and self.up:
            log.warning("cluster.broken")
            self._up.clear()
        if back and whole:
            self.may_store_late = any(node.may_store_late for node in self._nodes.values())
            self.on_back()

    async def _look(self) -> None:
        answer, host = await self._ask_anybody()
        masters: list[SingleRedis | None] = [None] * SLOTS
        for first, last, master, *_ in answer:
            address = self._seeds[0].at((master[0] or b"").decode() or host, int(master[1]))
            masters[first : last + 1] = [self._node(address)] * (last + 1 - first)
        self._masters = masters
        await self._let_go(set(masters))

    async def _ask_anybody(self) -> tuple[Reply, str]:
        for node in self._nodes.values():
            if node.up:
                try:
                    return await node.call("CLUSTER", "SLOTS"), node.address.host
                except NotifierError:
                    continue
        for seed in self._seeds:
            try:
                link = await open_link(seed, self._timeout, CONNECT_TIMEOUT, lambda link: None)
            except (OSError, TimeoutError, hiredis.ReplyError):
                continue
            try:
                return await link.call("CLUSTER", "SLOTS"), seed.host
            except NotifierError:
                continue
            finally:
                link.close()
        raise unavailable("no node of the cluster answers")

    def _node(self, address: Address) -> SingleRedis:
        node = self._nodes.get(address)
        if node is None:
            node = self._nodes[address] = SingleRedis(address, self.keys, reply_timeout=self._timeout)
            node.share_scripts(self._scripts)
            node.on_reply_seconds = self.on_reply_seconds
            node.on_break = self._on_break
            node.on_connected = self.on_connected
            node.begin()
        return node

    async def _let_go(self, used: set[SingleRedis | None]) -> None:
        for address, node in list(self._nodes.items()):
            if node not in used:
                del self._nodes[address]
                await node.stop()
