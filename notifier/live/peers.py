"""Questions to all pods: asked over the bus, answered by each from what it holds in memory."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

from notifier.store.bus import Answer, Ask, Bus

TIMEOUT = 1.0
TICKETS_MAX = 1_000

Respond = Callable[..., Any]


class Peers:
    """This pod among the others."""

    def __init__(self, bus: Bus, pod: str, others: Callable[[], list[str]]) -> None:
        """`others` tells the pods alive beside this one."""
        self._bus = bus
        self._pod = pod
        self._others = others
        self._respond: dict[str, Respond] = {}
        self._waiting: dict[str, tuple[int, list[Any], asyncio.Event]] = {}

    def answers(self, question: str, respond: Respond) -> None:
        """Registers how this pod answers a question: arguments in as keywords, a value of plain data out."""
        self._respond[question] = respond

    async def ask(self, question: str, **arguments: Any) -> list[Any]:
        """The answers of all pods, this one's first; a pod silent for a second is left out."""
        results = [self._respond[question](**arguments)]
        others = self._others()
        if others and len(self._waiting) < TICKETS_MAX:
            results += await self._ask_others(others, question, arguments)
        return results

    async def _ask_others(self, others: list[str], question: str, arguments: dict[str, Any]) -> list[Any]:
        ticket, answers, complete = uuid.uuid4().hex, list[Any](), asyncio.Event()
        self._waiting[ticket] = (len(others), answers, complete)
        for pod in others:
            self._bus.post(pod, Ask(question, ticket, self._pod, arguments))
        try:
            async with asyncio.timeout(TIMEOUT):
                await complete.wait()
        except TimeoutError:
            pass  # the answer says what is known; a pod that hangs is seen in the list of pods
        finally:
            del self._waiting[ticket]
        return answers

    def asked(self, message: Ask) -> None:
        """A question of another pod came over the bus."""
        respond = self._respond.get(message.question)
        if respond is not None:
            self._bus.post(message.reply_to, Answer(message.ticket, respond(**message.arguments)))

    def answered(self, message: Answer) -> None:
        """An answer of another pod came over the bus."""
        waiting = self._waiting.get(message.ticket)
        if waiting is not None:
            wanted, answers, complete = waiting
            answers.append(message.result)
            if len(answers) >= wanted:
                complete.set()
