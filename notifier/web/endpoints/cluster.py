"""`/api/v1/admin/pods` and `broadcast`: the instances, and what goes to everybody who is connected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct

from notifier.domain.inbox_requests import BroadcastRequest
from notifier.domain.times import format_time
from notifier.errors import ErrorCode, NotifierError
from notifier.service.operate import Operations
from notifier.service.publish import Publisher
from notifier.web.endpoints.fields import OPERATORS, TIME, Count, Seconds, Time
from notifier.web.http.audit import audit
from notifier.web.http.mount import Call
from notifier.web.http.route import ADMIN, Answer, Endpoints, delete, get, post

PREFIX = "/api/v1/admin"


class Pod(Struct, kw_only=True):
    """A serving instance."""

    pod_id: str
    alive: bool
    version: str | None
    started_at: Time | None
    heartbeat_age_s: Seconds
    connections: Count
    locks: Annotated[int, Meta(ge=0, description="Users whose stream this instance reads.")]
    bus_lag: Annotated[int, Meta(ge=0, description="Messages on its bus that it has not read.")]


class PodList(Struct):
    """Every instance that beats."""

    pods: list[Pod]


class BroadcastAnswer(Struct):
    """The number of users that it went to."""

    accepted: Count


_NO_POD = NotifierError(ErrorCode.NOT_FOUND, "no such instance")
_ALIVE = NotifierError(ErrorCode.CONFLICT, "this instance is alive")
_POD = Pod(
    pod_id="pod-a",
    alive=True,
    version="0.1.0",
    started_at=TIME,
    heartbeat_age_s=1.2,
    connections=1,
    locks=1,
    bus_lag=0,
)


class ClusterEndpoints(Endpoints):
    """The routes of the cluster as a whole."""

    tag, access = OPERATORS, ADMIN

    def __init__(self, operations: Operations, publisher: Publisher, now: Callable[[], float]) -> None:
        """`now` answers the store's time in Unix seconds."""
        self._operations = operations
        self._publisher = publisher
        self._now = now

    @get(f"{PREFIX}/pods", "List the instances", answers=(Answer(example=PodList([_POD])),))
    async def list_pods(self, call: Call) -> PodList:
        rows = await self._operations.pods()
        return PodList([Pod(**{name: getattr(row, name) for name in Pod.__struct_fields__}) for row in rows])

    @delete(
        f"{PREFIX}/pods/{{pod_id}}",
        "Forget an instance that is gone",
        answers=(Answer(status=204, description="It is forgotten; it comes back where it starts again."),),
        failures=(_NO_POD, _ALIVE),
    )
    async def forget_pod(self, call: Call, pod_id: str) -> None:
        await self._operations.forget_pod(pod_id)
        audit(call, "forget", pod_id)

    @post(
        f"{PREFIX}/broadcast",
        "Send a notification to all connected users",
        example=BroadcastRequest(message="We are back in five minutes", source="operations", priority="high"),
        answers=(Answer(status=202, example=BroadcastAnswer(3)),),
    )
    async def broadcast(self, call: Call, body: BroadcastRequest) -> BroadcastAnswer:
        content = body.content(format_time(self._now()))
        accepted = await self._publisher.broadcast(await self._operations.connected_users(), content)
        audit(call, "broadcast", "all", accepted=accepted)
        return BroadcastAnswer(accepted)
