"""`GET /ws`: lets a user's browser or app in, and carries out what it says over the socket."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

from msgspec import UNSET, Meta, Struct
from sanic.exceptions import SanicException

from notifier.domain import protocol
from notifier.domain.access import Caller
from notifier.domain.fields import Login, UserId
from notifier.domain.limits import BAD_MESSAGES_IN_A_ROW, MessageBudget
from notifier.domain.protocol import Command, Mark, MarkData, MessageError, Query, Read, ReadAll, Retention, Sync
from notifier.domain.users import User
from notifier.errors import ErrorCode, NotifierError
from notifier.live.connection import PLAIN, Connection
from notifier.live.hub import Hub
from notifier.live.keyed import OpenByKey
from notifier.live.lean import LeanPath
from notifier.live.router import Router
from notifier.service.inbox import InboxService, Marked, OnRead
from notifier.service.states import StatesService
from notifier.web.endpoints.fields import INBOX
from notifier.web.http.mount import Call
from notifier.web.http.protocol import check_upgrade, take_over
from notifier.web.http.route import FOLLOWING, Answer, Endpoints, get

if TYPE_CHECKING:
    from notifier.live.follower import Follower

POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
INTERNAL_ERROR = 1011
SUBPROTOCOL = "notifier.v1"
TOLD = frozenset(("states", "counts"))  # what a client may ask for by `events`

C = TypeVar("C", bound=Connection)

log = logging.getLogger("notifier.web")


class SocketLimits(NamedTuple):
    """Bounds on connections; sizes in bytes."""

    max_frame: int
    send_buffer: int
    per_user: int
    per_address: int


class InboxSocket:
    """Admits the sockets of users, and carries out their messages."""

    def __init__(
        self,
        hub: Hub,
        router: Router,
        service: InboxService,
        states: StatesService,
        limits: SocketLimits,
        on_read: Callable[[str, Marked], None],
        store_is_up: Callable[[], bool],
        now: Callable[[], float],
        opened: OpenByKey,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_read` is told which notifications of a user were marked read."""
        self._hub = hub
        self._router = router
        self._service = service
        self._states = states
        self._limits = limits
        self._on_read = on_read
        self._store_is_up = store_is_up
        self._now = now
        self._opened = opened
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._reads: dict[Connection, list[Read]] = {}
        self.lean: LeanPath | None = None

    def go_lean(self, lean: LeanPath) -> None:
        """Offers every text frame to the lean path first."""
        self.lean = lean
        lean.follow_mark = self._follow_mark

    # -- a connection begins and ends

    def admit(self, user: User, address: str, caller: Caller) -> Connection:
        """A connection for a user; raises `NotifierError` (`rate_limited`, `unavailable`) before the upgrade."""
        return self.admit_as(Connection, user, address, caller)

    def admit_as(self, make: Callable[..., C], user: User, address: str, caller: Caller) -> C:
        """A connection of another class; raises as `admit` does."""
        if not self._store_is_up():
            raise NotifierError(ErrorCode.UNAVAILABLE, "the store is not available", retry_after=1.0)
        if self._hub.count(user.key) >= self._limits.per_user:
            raise NotifierError(ErrorCode.RATE_LIMITED, "too many connections of this user", retry_after=10.0)
        if self._hub.at_address(address) >= self._limits.per_address and not _is_loopback(address):
            raise NotifierError(ErrorCode.RATE_LIMITED, "too many connections from this address", retry_after=10.0)
        limits, now = self._limits, self._now()
        connection = make(user, self, now=now, max_frame=limits.max_frame, send_buffer=limits.send_buffer)
        connection.key_id = caller.key_id
        if caller.expires_at is not None:
            connection.expires_at = self._clock() + caller.expires_at - now
        return connection

    def begin(self, connection: Connection) -> None:
        """The socket is upgraded: sends the inbox, then lives.

        It counts from here on, in the same turn of the loop as `admit`: many upgrades at once cannot all be let in.
        """
        self._hub.add(connection)
        self._opened.hold(connection.key_id, connection, connection.revoke)
        self._run(connection, self._router.attach(connection), None)

    def follow(self, follower: Follower, history: Awaitable[None]) -> None:
        """As `begin`, for a socket that speaks another protocol: `history` sends what comes first, and goes live."""
        self.begin(follower)
        self._run(follower, history, None)

    def pushed(self, connection: Connection, count: int) -> None:
        """So many pushes left that had waited for their turn."""
        self._router.pushed(count)

    def left(self, connection: Connection, code: int, reason: str) -> None:
        """The connection is closed."""
        self._opened.release(connection.key_id, connection)
        self._router.detach(connection)

    # -- what the client says

    def receive(self, connection: Connection, text: bytes) -> None:
        """A text frame: limits first, then the command; what is wrong is answered and the connection stays open."""
        if self.lean is not None and not self._reads and self.lean.receive(connection, text):
            return
        if not self._within_budget(connection):
            return
        try:
            command = protocol.read_message(text)
        except MessageError as error:
            self._refuse(connection, error)
            return
        if connection.budget is not None:
            connection.budget.bad_in_a_row = 0
        if type(command) is Read:
            self._queue_read(connection, command)
        else:
            self._run(connection, self._carry_out(connection, command), command.name)

    def _within_budget(self, connection: Connection) -> bool:
        now = self._clock()
        budget = connection.budget
        if budget is None:
            budget = connection.budget = MessageBudget(now)
        if budget.take(now):
            return True
        if budget.exhausted(now):
            connection.close(POLICY_VIOLATION, "too many messages")
        else:
            self._answer(
                connection, protocol.error(MessageError(ErrorCode.RATE_LIMITED, "at most 50 messages a second"))
            )
        return False

    def _refuse(self, connection: Connection, error: MessageError) -> None:
        self._answer(connection, protocol.error(error))
        if error.code is ErrorCode.BAD_MESSAGE and connection.budget is not None:
            connection.budget.bad_in_a_row += 1
            if connection.budget.bad_in_a_row >= BAD_MESSAGES_IN_A_ROW:
                connection.close(POLICY_VIOLATION, "too many bad messages")

    async def _carry_out(self, connection: Connection, command: Command) -> None:
        user = connection.user_key
        match command:
            case ReadAll():
                async for marked in self._service.read_all(user, command):
                    self._acknowledge(connection, marked)
            case Sync():
                self._answer(connection, await self._service.sync(user, command))
            case Retention():
                self._answer(connection, await self._service.set_retention(user, command))
            case Mark():
                self._refuse_marks(connection, await self._mark(user, command.data))
            case Query(data):
                page = await self._states.page(user, data, data.limit, data.before, data.after)
                self._answer(connection, protocol.inbox_result(page, data.ref))

    async def _mark(self, user: str, data: MarkData) -> Mapping[str, Any]:
        if data.ids is not UNSET:
            return await self._states.mark(user, data.mark, data.ids)
        if data.filter is not UNSET:
            return await self._states.mark_filtered(user, data.mark, data.filter)
        return await self._states.mark_up_to(user, data.mark, str(data.up_to))

    def _refuse_marks(self, connection: Connection, answer: Mapping[str, Any]) -> None:
        for error in answer.get("errors", ()):
            code = ErrorCode.NOT_FOUND if error["error"] == "not_found" else ErrorCode.INVALID
            problem = MessageError(code, f"{error['id']}: {error['error']}", Mark.name)
            self._answer(connection, protocol.error(problem))

    # Reads are by far the most frequent command: those of one turn of the loop go to the store together.

    def _queue_read(self, connection: Connection, command: Read) -> None:
        if not self._reads:
            asyncio.get_running_loop().call_soon(self._send_reads)
        self._reads.setdefault(connection, []).append(command)

    def _follow_mark(self, connection: Connection, pair: tuple[bytes, bytes]) -> OnRead:
        """The callback by which a mark goes on that the lean path could not carry out by itself."""
        known = [(pair[0].decode(), pair[1].decode())]
        return self._service.follow(known, 0, partial(self._on_marked, connection, 1))

    def _send_reads(self) -> None:
        reads, self._reads = self._reads, {}
        for connection, commands in reads.items():
            self._service.read(connection.user_key, commands, partial(self._on_marked, connection, len(commands)))

    def _on_marked(self, connection: Connection, asked: int, outcome: Marked | NotifierError) -> None:
        if isinstance(outcome, NotifierError):
            _log_defect(connection, outcome, Read.name)
            self._refuse_reads(connection, asked, outcome.code, outcome.message)
            return
        self._acknowledge(connection, outcome)
        self._refuse_reads(connection, outcome.missing, ErrorCode.NOT_FOUND, "no such notification in this inbox")

    def _refuse_reads(self, connection: Connection, times: int, code: ErrorCode, message: str) -> None:
        for _ in range(times):
            self._answer(connection, protocol.error(MessageError(code, message, Read.name)))

    def _acknowledge(self, connection: Connection, marked: Marked) -> None:
        connection.acked += marked.now
        texts = [protocol.read_ack(notification_id, stream_id) for stream_id, notification_id in marked.pairs]
        self._router.tell(connection.user_key, marked.others, texts, marked.pairs)
        if marked.now:
            self._on_read(connection.user_key, marked)

    def _answer(self, connection: Connection, text: bytes) -> None:
        if connection.open:
            connection.send(text)

    def _run(self, connection: Connection, work: Awaitable[None], in_reply_to: str | None) -> None:
        task = asyncio.ensure_future(self._guarded(connection, work, in_reply_to))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, connection: Connection, work: Awaitable[None], in_reply_to: str | None) -> None:
        try:
            await work
        except MessageError as error:
            self._answer(connection, protocol.error(error))
        except NotifierError as error:
            _log_defect(connection, error, in_reply_to)
            if in_reply_to is None:  # the inbox could not be read: the client is to come again
                connection.close(TRY_AGAIN_LATER, "the store is not available")
            else:
                self._answer(connection, protocol.error(MessageError(error.code, error.message, in_reply_to)))
        except Exception:
            log.exception("socket.failed", extra={"command": in_reply_to or "attach", **connection.log_facts})
            connection.close(INTERNAL_ERROR, "internal error")


def _log_defect(connection: Connection, error: NotifierError, command: str | None) -> None:
    if error.code is ErrorCode.INTERNAL:
        cause = error.__cause__ or error
        log.error("socket.failed", exc_info=cause, extra={"command": command or "attach", **connection.log_facts})


class SocketQuery(Struct):
    """The user whose inbox it is. Browsers, which can set no header here, may carry the token in the query."""

    user_id: Annotated[UserId, Meta(examples=[1])]
    login: Annotated[Login, Meta(examples=["alice"])]
    events: Annotated[
        str,
        Meta(
            description="Frames beside the plain ones, by commas: `states` for `notification.state`, "
            "`notification.update` and `notification.removed`; `counts` for `inbox.counts`.",
            examples=["states,counts"],
        ),
    ] = ""
    token: Annotated[
        str, Meta(description="A user's JWT or a device's token, where it is not in `Authorization` or a subprotocol.")
    ] = ""


_NO_USER = NotifierError(ErrorCode.BAD_REQUEST, "name a user by user_id (1-9007199254740991) and login")
_OTHER_USER = NotifierError(ErrorCode.FORBIDDEN, "this token is not for this user")
_OTHER_VERSION = SanicException(
    "only version 13 of WebSocket is spoken here", status_code=426, headers={"Sec-WebSocket-Version": "13"}
)


class SocketEndpoints(Endpoints):
    """The route of the upgrade."""

    tag, access = INBOX, FOLLOWING

    def __init__(self, sockets: InboxSocket) -> None:
        self._sockets = sockets

    @get(
        "/ws",
        "Open a user's inbox over WebSocket",
        description="The messages are described at `/docs/websocket` and in `/asyncapi.json`. A token may also travel "
        "as subprotocols `notifier.v1, bearer.<token>`.",
        answers=(
            Answer(
                status=101,
                description="The connection is a WebSocket now.",
                headers=("Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol"),
            ),
        ),
        failures=(
            _NO_USER,
            NotifierError(ErrorCode.BAD_REQUEST, "this path speaks WebSocket: ask for an upgrade"),
            _OTHER_USER,
            NotifierError(ErrorCode.FORBIDDEN, "this origin is not allowed; see ALLOWED_ORIGINS"),
            _OTHER_VERSION,
            NotifierError(ErrorCode.RATE_LIMITED, "too many connections of this user", retry_after=10.0),
        ),
        bad_query=_NO_USER,
        streams=True,
    )
    async def open_inbox(self, call: Call, query: SocketQuery) -> None:
        request, caller = call.request, call.caller
        user = User(query.user_id, query.login)
        if not caller.may_follow(user):
            raise NotifierError(ErrorCode.FORBIDDEN, "this token is not for this user")
        subprotocol = check_upgrade(request, SUBPROTOCOL)
        connection = self._sockets.admit(user, request.ip, caller)
        connection.telling = frozenset(query.events.split(",")) & TOLD or PLAIN
        take_over(request, connection, subprotocol, lambda: self._sockets.begin(connection))


def _is_loopback(address: str) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback  # ::ffff:127.0.0.1, where one socket serves both
