"""The embedded Redis: a private redis-server on a unix socket that lives and dies with this process.

The folder is locked (flock) by a descriptor that the server inherits: while either of the two lives, nobody else opens
the data. The kernel ends the server when this process dies (PDEATHSIG), so that a `kill -9` leaves no orphan.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import logging
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from notifier.store.embedded import aof
from notifier.store.embedded.append_only import Synchroniser
from notifier.store.embedded.binary import NoRedis, RedisBinary, find_redis, keep_beside
from notifier.store.embedded.disk_guard import DiskGuard
from notifier.store.embedded.private import make_private, open_private
from notifier.store.redis.address import Address
from notifier.store.redis.link import Link, open_link

SOCKET_PATH_MAX = 107  # bytes of sockaddr_un.sun_path less its NUL
READY_TIMEOUT = 60.0  # a large append-only file takes its time
LOCK_TIMEOUT = 10.0
REPLY_TIMEOUT = 5.0
RESERVE = 64 * 1024 * 1024
STOP_TIMEOUT = 10.0
LOG_MAX = 1024 * 1024
BACKOFF = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
STEADY = 30.0  # seconds of life after which a death counts as the first again
PR_SET_PDEATHSIG = 1
EVERY_SECOND = "everysec"

OnEvent = Callable[[str, Mapping[str, object]], None]

log = logging.getLogger("notifier.store")


class EmbeddedRedisError(Exception):
    """The embedded server cannot be used; the message says why and what to do."""


class _Ended(Exception):
    """The server ended instead of beginning to answer."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(code)
        self._code = code
        self._said = said

    @property
    def in_half_a_command(self) -> bool:
        return aof.ends_in_half_a_command(self._said)

    def explain(self, data_dir: Path) -> str:
        """The reason of the end, in a sentence; reads the data where the server blames them."""
        return f"redis-server ended with {self._code}: {aof.explain(data_dir, self._said)}"


class EmbeddedRedis:
    """Starts, watches, restarts and stops the server."""

    def __init__(self, data_dir: Path, fsync: str, reserve: int = RESERVE, *, on_event: OnEvent) -> None:
        """`fsync` is `everysec` or `always`; `reserve` is DISK_RESERVE in bytes; `on_event` is told `redis.died`,
        `redis.restarted`, `redis.restart_failed`, `redis.fsync_failed`, and what `DiskGuard` tells, with facts."""
        self.data_dir = data_dir.absolute()  # the server is started within it
        self.restarts = 0
        self._fsync = fsync
        self._on_event = on_event
        self._lock: int | None = None
        self._runtime: Path | None = None
        self._binary: RedisBinary | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._duties: list[asyncio.Task[None]] = []
        self._guard = DiskGuard(self.data_dir, reserve, on_event)

    @property
    def trouble(self) -> str | None:
        """The reason why the server takes no writes, or may lose them; None while all is well."""
        return self._guard.trouble

    @property
    def disk_full(self) -> bool:
        """True while writes are refused for want of room on the disk."""
        return self._guard.full

    @property
    def disk_low(self) -> bool:
        """True while the disk has less room than `DISK_RESERVE` beyond what is reserved."""
        return self._guard.low

    @property
    def disk_free(self) -> int:
        """Bytes that are free on the disk of the data."""
        return self._guard.room.free

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def start(self) -> str:
        """Locks the folder, starts the server and waits until it answers; its URL. Raises `EmbeddedRedisError`."""
        try:
            self._binary = find_redis()
            make_private(self.data_dir)
            self._check_format(self._binary)
            self._lock = await self._take_lock()
            self._binary = keep_beside(self._binary, self.data_dir / "redis")
            self._socket = self._socket_path()
            await self._launch()
        except (OSError, NoRedis) as error:
            await self.stop()
            raise EmbeddedRedisError(f"the embedded Redis in {self.data_dir}: {error}") from error
        except EmbeddedRedisError:
            await self.stop()
            raise
        self._duties.append(asyncio.create_task(self._watch(), name="embedded redis"))
        self._duties.append(asyncio.create_task(self._guard.run(self._connect), name="guard of the disk"))
        if self._fsync == EVERY_SECOND:
            work = Synchroniser(self.data_dir, self._on_event).run()
            self._duties.append(asyncio.create_task(work, name="fsync of the append-only file"))
        return f"unix://{quote(str(self._socket))}"

    async def stop(self) -> None:
        """Stops the server in an orderly way and unlocks the folder."""
        tasks, self._duties = self._duties, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            if not await _ended(self._process.pid, STOP_TIMEOUT):
                self._process.kill()
            self._process.wait()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self._runtime is not None:
            shutil.rmtree(self._runtime, ignore_errors=True)
            self._runtime = None

    # -- the folder

    def _check_format(self, binary: RedisBinary) -> None:
        """Redis 7 keeps its file in a folder that 6.2 does not look into: it would start empty and lose all."""
        if binary.version < (7, 0, 0) and (self.data_dir / "appendonlydir").exists():
            raise EmbeddedRedisError(
                f"{self.data_dir} was written by Redis 7, but {binary.path} is older: install Redis 7 or newer"
            )

    async def _take_lock(self) -> int:
        lock = open_private(self.data_dir / "lock", os.O_RDWR)
        deadline = asyncio.get_running_loop().time() + LOCK_TIMEOUT
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Written over, then cut: on a full disk an emptied file could get no block again.
                os.ftruncate(lock, os.pwrite(lock, str(os.getpid()).encode(), 0))
                return lock
            except BlockingIOError:
                holder = os.pread(lock, 32, 0).decode(errors="replace")
            # The process may be gone while its server still writes its last: that takes moments.
            if _is_alive(holder) or asyncio.get_running_loop().time() > deadline:
                os.close(lock)
                raise EmbeddedRedisError(
                    f"{self.data_dir} is in use by another notifier (process {holder}): "
                    "stop it, or give this one another --data-dir"
                )
            await asyncio.sleep(0.02)

    def _socket_path(self) -> Path:
        folder = self.data_dir / "run"
        if len(os.fsencode(folder / "redis.sock")) > SOCKET_PATH_MAX:
            folder = self._runtime = Path(tempfile.mkdtemp(prefix="notifier-"))
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / "redis.sock"

    def _bound_log(self) -> Path:
        path = self.data_dir / "redis.log"
        if path.exists() and path.stat().st_size > LOG_MAX:
            path.replace(path.with_suffix(".log.1"))
        return path

    # -- the server

    async def _launch(self) -> None:
        """Starts the server; once more when half a command at the end of its file was all that kept it."""
        gap = aof.find_gap(self.data_dir)
        if gap is not None:
            raise EmbeddedRedisError(f"{gap}; {aof.cure(self.data_dir)}")
        try:
            await self._launch_once()
        except _Ended as ended:
            cut = await asyncio.to_thread(aof.cut_tail, self.data_dir) if ended.in_half_a_command else None
            if cut is None:
                raise EmbeddedRedisError(await asyncio.to_thread(ended.explain, self.data_dir)) from None
            self._on_event("redis.tail_cut", cut._asdict())
            try:
                await self._launch_once()
            except _Ended as again:
                raise EmbeddedRedisError(await asyncio.to_thread(again.explain, self.data_dir)) from None

    async def _launch_once(self) -> None:
        assert self._binary is not None and self._lock is not None
        self._socket.unlink(missing_ok=True)
        self._guard.look()
        guarded = self._guard.options()
        with os.fdopen(open_private(self._bound_log(), os.O_WRONLY | os.O_APPEND), "ab") as output:
            log_from = output.seek(0, os.SEEK_END)
            # A fork of the main thread, short and without waiting: PDEATHSIG is bound to the thread that forks.
            self._process = subprocess.Popen(  # noqa: ASYNC220
                [self._binary.path, *self._arguments(guarded)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.data_dir,
                umask=0o077,
                env=self._binary.environment(),
                pass_fds=(self._lock,),
                restore_signals=False,  # SIGXFSZ stays ignored: at a limit on files a write fails, and the server lives
                start_new_session=True,  # Ctrl-C in a terminal is for this process, which stops the server in its turn
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509
            )
        self._guard.launched(guarded)
        await self._wait_ready(self._process, log_from)

    async def _connect(self) -> Link:
        return await open_link(Address(path=str(self._socket)), REPLY_TIMEOUT, REPLY_TIMEOUT, lambda link: None)

    def _arguments(self, guarded: Mapping[str, str]) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "600",
            "dir": str(self.data_dir),
            "appendonly": "yes",
            # Not `everysec`: while an earlier fsync runs, Redis then holds back its next write for up to 2 s, yet
            # answers (aof.c, flushAppendOnlyFile): a kill loses what it answered. `no` writes before each answer.
            "appendfsync": "no" if self._fsync == EVERY_SECOND else self._fsync,
            "aof-load-truncated": "no",  # it would cut off all behind the first fault, and tell only its log
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "maxclients": "1000",
            **guarded,
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    async def _wait_ready(self, process: subprocess.Popen[bytes], log_from: int) -> None:
        deadline = asyncio.get_running_loop().time() + READY_TIMEOUT
        while not await self._answers():
            if process.poll() is not None:
                raise _Ended(process.returncode, self._said_since(log_from))
            if asyncio.get_running_loop().time() > deadline:
                raise EmbeddedRedisError(f"redis-server does not answer; see {self.data_dir / 'redis.log'}")
            await asyncio.sleep(0.005)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            async with asyncio.timeout(1.0):
                return (await reader.readline()).startswith(b"+PONG")
        except (OSError, TimeoutError):
            return False
        finally:
            writer.close()

    def _said_since(self, position: int) -> str:
        with (self.data_dir / "redis.log").open("rb") as file:
            file.seek(position)
            return file.read(LOG_MAX).decode(errors="replace")

    # -- watching it

    async def _watch(self) -> None:
        loop, deaths = asyncio.get_running_loop(), 0
        while self._process is not None:
            born = loop.time()
            await _ended(self._process.pid, None)
            status = self._process.wait()
            deaths = 1 if loop.time() - born > STEADY else deaths + 1
            self._on_event("redis.died", {"status": status, "deaths": deaths})
            await asyncio.sleep(BACKOFF[min(deaths, len(BACKOFF)) - 1])
            try:
                await self._launch()
            except (OSError, EmbeddedRedisError) as error:
                self._on_event("redis.restart_failed", {"error": str(error)})
                continue
            self.restarts += 1
            self._on_event("redis.restarted", {"pid": self._process.pid, "restarts": self.restarts})


def _die_with(parent: int) -> Callable[[], None]:
    """Builds the function that the child runs before it becomes redis-server. Names are resolved before the fork."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    getppid, leave, term = os.getppid, os._exit, int(signal.SIGTERM)

    def in_child() -> None:
        prctl(PR_SET_PDEATHSIG, term)
        if getppid() != parent:  # the parent died before the kernel was told
            leave(1)

    return in_child


async def _ended(pid: int, timeout: float | None) -> bool:
    """Waits until a child has ended; False when it has not in time."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:  # whoever asked for its status before has reaped it
        return True
    loop.add_reader(descriptor, done.set)
    try:
        async with asyncio.timeout(timeout):
            await done.wait()
        return True
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
