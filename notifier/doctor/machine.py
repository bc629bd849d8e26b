"""The machine below the program: files, folders, ports, the clock."""

from __future__ import annotations

import errno
import fcntl
import http.client
import json
import os
import resource
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

from notifier.doctor.findings import Finding, fail, note, ok
from notifier.store.embedded.disk_guard import SHARE
from notifier.web.http.tls import TlsError, server_context

FILES_MIN, FILES_ADVISED = 1024, 65_536
RESERVED_FILES = 100  # of a process: the store, the event loop, logs, libraries
SPACE_MIN, SPACE_ADVISED = 100 * 1024**2, 1024**3
SKEW_NOTED, SKEW_MAX = 0.5, 2.0  # seconds
PORT_TIMEOUT = 2.0
HELD = "held by process"


def check_files(limit: int | None = None) -> Finding:
    """The limit of open files, and so of connections, of a process; `limit` replaces the hard one, up to which the
    server raises its own."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1] if limit is None else limit
    cure = f"ulimit -Hn {FILES_ADVISED} before the start, LimitNOFILE={FILES_ADVISED} in a systemd unit"
    if hard == resource.RLIM_INFINITY or hard >= FILES_ADVISED:
        return ok("files", "as many connections as memory holds")
    found = f"{hard} open files: about {max(0, hard - RESERVED_FILES)} connections for each process"
    return fail("files", found, cure) if hard < FILES_MIN else note("files", found, cure)


def check_clock(seconds: float, store: str) -> Finding:
    """This machine's clock against the store's; `seconds` is how far this one is ahead."""
    found = f"{abs(seconds) * 1000:.0f} ms {'ahead of' if seconds > 0 else 'behind'} {store}"
    cure = "let one time service set both: timedatectl set-ntp true"
    if abs(seconds) > SKEW_MAX:
        return fail("clock", found, cure)
    return note("clock", found, cure) if abs(seconds) > SKEW_NOTED else ok("clock", found)


def check_port(hosts: Sequence[str], port: int) -> Finding:
    """The port on every address that the server would listen on: free, or a notifier's already.

    An address beside the first may be missing, as `::1` on a machine without IPv6.
    """
    found = [_check_address(host, port) for host in hosts if host == hosts[0] or _has_address(host)]
    failed = [finding for finding in found if finding.level != "ok"]
    return failed[0] if failed else found[0]


def _has_address(host: str) -> bool:
    try:
        with _socket_of(host) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


def _socket_of(host: str) -> socket.socket:
    """A socket that binds as the server's do; one of IPv6 takes no IPv4."""
    if ":" not in host:
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return sock


def _check_address(host: str, port: int) -> Finding:
    where = f"[{host}]:{port}" if ":" in host else f"{host or '*'}:{port}"
    try:
        with _socket_of(host) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE and _is_ours(host, port):
            return ok("port", f"{where}: a notifier listens there")
        reason = (error.strerror or str(error)).lower()
        cure = "stop what has it (ss -ltnp names it), or set SERVER_ADDR to another"
        if error.errno == errno.EACCES:
            cure = "ports below 1024 are for root: set SERVER_ADDR to another"
        return fail("port", f"{where}: {reason}", cure)
    return ok("port", f"{where}: free")


def _is_ours(host: str, port: int) -> bool:
    target = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    connection = http.client.HTTPConnection(target, port, timeout=PORT_TIMEOUT)
    try:
        connection.request("GET", "/health")
        return "pod_id" in json.loads(connection.getresponse().read(65536))
    except (OSError, http.client.HTTPException, ValueError, TypeError, RecursionError):
        return False
    finally:
        connection.close()


def check_tls(cert: str, key: str) -> Finding:
    """The certificate and its key."""
    if not cert:
        return ok("tls", "off: plain HTTP, for loopback or behind a proxy that encrypts")
    try:
        server_context(cert, key)
    except TlsError as error:
        return fail("tls", str(error), "set TLS_CERT and TLS_KEY to PEM files that belong together and can be read")
    return ok("tls", cert)


def check_data_dir(folder: Path, reserve: int) -> list[Finding]:
    """The folder of the embedded Redis: write permission, free space, and the process that holds it.

    `reserve` is DISK_RESERVE in bytes, which a running server has taken already.
    """
    here = next(path for path in (folder, *folder.parents) if path.exists())
    if not here.is_dir() or not os.access(here, os.W_OK | os.X_OK):
        return [
            fail("data folder", f"{here} cannot be written", "give it to the user who runs notifier, or --data-dir")
        ]
    found = ok("data folder", str(folder)) if folder.exists() else ok("data folder", f"{folder}: will be made")
    holder, disk = _check_holder(folder / "lock"), shutil.disk_usage(here)
    needed = 0 if holder.found.startswith(HELD) else min(reserve, disk.total // SHARE)
    return [found, check_space(disk.free, here, needed), holder]


def check_space(free: int, folder: Path, needed: int) -> Finding:
    """The space left for the data; `free` and `needed`, what a start would reserve, in bytes."""
    found = f"{free / 1024**3:.1f} GiB free in {folder}"
    cure = "make room, or move the data to a larger disk with --data-dir: Redis refuses writes on a full one"
    if free < needed:
        wanted = f"{found}, less than DISK_RESERVE: {needed / 1024**2:.0f} MiB"
        return fail("disk", wanted, f"{cure}; or set DISK_RESERVE lower")
    if free < SPACE_MIN:
        return fail("disk", found, cure)
    return note("disk", found, cure) if free < SPACE_ADVISED else ok("disk", found)


def _check_holder(lock: Path) -> Finding:
    """The process that holds the folder; the question must not take it from a server that starts at this moment."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return ok("lock", "not used yet")
    except BlockingIOError:
        holder = lock.read_bytes()[:32].decode(errors="replace")
        return ok("lock", f"{HELD} {holder}")
    except OSError as error:
        return fail("lock", f"{lock}: {error.strerror}", "give the folder to the user who runs notifier")
    return ok("lock", "free: no process holds the folder")
