"""The test of the executable, as a bare machine would run it: smoke.py PATH. Exits 1 at the first thing that is wrong.

This script drives it; the executable itself gets no Python, no environment and a folder away from the sources.
"""

from __future__ import annotations

import json
import shutil
import signal
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from artefact import Artefact, Process, SmokeError, get_json, kill, libraries_of, name_of, pss_of, wait_until

TIMES = ("version", "ready")
LIMITS = {
    "size": (32.0, "MB"),
    "version": (0.4, "s of CPU"),
    "ready": (1.5, "s, with its own Redis"),
    "idle": (50.0, "MB, Redis apart"),
}
UNPACKED = (60.0, "MB as a folder")
RUNS = 5
# What the machine must have: glibc, and zlib for PyInstaller's bootloader. Each distribution of glibc starts from both.
GLIBC = ("libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libutil.so", "libresolv.so", "ld-linux")
NEEDED = (*GLIBC, "libz.so")
HISTORY = "/api/v1/admin/history?user_id=1&login=alice"
WRONG = (
    ("--nope",),
    ("nope",),
    ("serve", "--addr", "nowhere"),
    ("send", "hello"),
    ("send", "--to", "alice", "hello"),
    ("client", "--user-id", "0"),
    ("healthcheck", "--url", "localhost"),
)


class Smoke:
    """The steps, in their order; each one says what it found."""

    def __init__(self, artefact: Artefact) -> None:
        self.artefact = artefact
        self.figures = {"size": artefact.size / 1e6}
        self._starts: list[float] = []

    def steps(self) -> Iterator[str]:
        """Runs them one by one; a line for each."""
        yield self.say_versions()
        yield self.refuse_wrong_usage()
        server, url = self.serve()
        yield self.deliver(url)
        yield self.stand_alone(server)
        yield self.stay_small(server)
        yield self.describe(url)
        yield self.survive_kill(server)
        yield self.lose_bootloader()
        yield self.lose_program()
        yield self.draw_dashboard()
        yield self.interrupt()
        yield self.terminate()

    def serve(self) -> tuple[Process, str]:
        """Starts a server; it and its URL."""
        server = self.artefact.start("serve", "--addr", "127.0.0.1:0")
        self._starts.append(server.wait_for("server.ready"))
        self.figures["ready"] = statistics.median(self._starts)
        line = next(line for line in (server.output + server.error).splitlines() if "server.ready" in line)
        return server, json.loads(line)["url"]

    def say_versions(self) -> str:
        versions = self.artefact.run("version")
        if "(bundled)" not in versions:
            raise SmokeError(f"no Redis of its own: {versions}")
        if "compiled" not in versions:
            raise SmokeError(f"nothing is compiled: {versions}")
        notices = self.artefact.run("version", "--licences")
        for name in ("redis", "OpenSSL", "libjemalloc2", "Python", "textual", "pyinstaller", "mypy"):
            if name not in notices:
                raise SmokeError(f"the licences say nothing of {name}")
        self.figures["version"] = statistics.median(self.artefact.cpu_of("version") for _ in range(RUNS))
        return " ".join(versions.split())

    def refuse_wrong_usage(self) -> str:
        for arguments in WRONG:
            said = self.artefact.run(*arguments, code=2)
            if len(said.splitlines()) != 1:
                raise SmokeError(f"{arguments}: one line was expected, not: {said}")
        return f"{len(WRONG)} wrong usages: exit code 2 and one line each"

    def deliver(self, url: str) -> str:
        self.artefact.run("healthcheck", "--url", url)
        client = self.artefact.start(
            "client", "--json", "--ack-after", "0s", "--url", url, "--user-id", "1", "--login", "alice"
        )
        client.wait_for("sync.complete")
        self.artefact.run("send", "--url", url, "--to", "1:alice", "Grüße, 世界")
        client.wait_for("notification.push")
        client.wait_for("notification.read.ack")
        self.check_history(url)
        self.stop(client, signal.SIGINT)
        return "sent, pushed, read, in the history; Ctrl-C ends the client"

    def check_history(self, url: str) -> None:
        entries = get_json(url, HISTORY)["notifications"]
        found = [(entry["payload"]["message"], entry["read"]) for entry in entries]
        if found != [("Grüße, 世界", True)]:
            raise SmokeError(f"the history holds {found}")

    def stand_alone(self, server: Process) -> str:
        """Nothing of this machine may be used that a bare one lacks."""
        loaded = {pid: libraries_of(pid) for pid in server.tree()}
        for pid, paths in loaded.items():
            allowed = NEEDED if pid == server.pid else GLIBC
            foreign = [path for path in paths if not path.is_relative_to(self.artefact.folder)]
            if found := sorted(str(path) for path in foreign if not path.name.startswith(allowed)):
                raise SmokeError(f"libraries of this machine are in use: {', '.join(found)}")
        return f"{len(set().union(*loaded.values()))} libraries, of the machine's none but glibc and zlib"

    def stay_small(self, server: Process) -> str:
        self.figures["idle"] = pss_of(server.server())
        return f"{len(server.server())} processes of the program, and Redis"

    def describe(self, url: str) -> str:
        """After `stay_small`: what renders the documents is loaded by the first who asks."""
        paths = get_json(url, "/openapi.json")["paths"]
        messages = get_json(url, "/asyncapi.json")["components"]["messages"]
        for path, words in (("docs", "notifier client"), ("docs/ru", "HTTP API"), ("docs/api", "/api/v1/notify")):
            with urllib.request.urlopen(f"{url}/{path}", timeout=5) as answer:
                if words not in answer.read().decode():
                    raise SmokeError(f"/{path} does not say {words}")
        return f"{len(paths)} paths and {len(messages)} messages are described, guides and reference are served"

    def survive_kill(self, server: Process) -> str:
        pids = server.tree()
        server.kill_all()
        server.wait()
        self.check_gone(pids)
        again, url = self.serve()
        self.check_history(url)
        self.end(again)
        return "kill -9 of all, and the history is still there"

    def lose_bootloader(self) -> str:
        if self.artefact.is_folder:
            return "no bootloader stays above the program"
        server, _ = self.serve()
        pids = server.tree()
        kill(server.pid)
        server.wait()
        self.check_gone(pids)
        return "kill -9 of the bootloader: the program and Redis end too"

    def lose_program(self) -> str:
        server, _ = self.serve()
        pids = server.tree()
        kill(server.server()[-1])
        if server.wait() == 0:
            raise SmokeError("the program was killed, but the exit code is 0")
        self.check_gone(pids)
        return "kill -9 of the program: Redis ends too"

    def check_gone(self, pids: list[int]) -> None:
        wait_until(lambda: not any(name_of(pid) for pid in pids), f"the end of processes {pids}")

    def interrupt(self) -> str:
        server, url = self.serve()
        self.check_history(url)
        self.stop(server, signal.SIGINT)
        return "Ctrl-C: exit code 0"

    def terminate(self) -> str:
        server, _ = self.serve()
        self.stop(server, signal.SIGTERM)
        server, _ = self.serve()
        self.end(server)
        if left := self.artefact.leftovers():
            raise SmokeError(f"left in the folder for temporary files: {left}")
        return "SIGTERM: exit code 0, nothing left in the folder for temporary files"

    def stop(self, process: Process, number: signal.Signals) -> None:
        """Sends a signal to the whole group, as Ctrl-C in a terminal and systemd do: each process gets it."""
        process.signal(number, group=True)
        self.check_orderly(process, f"{number.name} to all")

    def end(self, server: Process) -> None:
        """Sends SIGTERM to the process that was started, as a shell's `kill` does."""
        pids = server.tree()
        server.signal(signal.SIGTERM)
        self.check_orderly(server, "SIGTERM")
        self.check_gone(pids)

    def check_orderly(self, process: Process, cause: str) -> None:
        code = process.wait()
        if code or "Traceback" in process.error:
            raise SmokeError(f"exit code {code} after {cause}: {process.error}")

    def draw_dashboard(self) -> str:
        server, url = self.serve()
        with Terminal(self.artefact, ["tui", "--url", url]) as terminal:
            terminal.wait_for("Sent/s")
            terminal.press("q")
            terminal.wait_for("ended: 0")
        self.end(server)
        return "the dashboard drawn in tmux at 80x24; q leaves it"


class Terminal:
    """A command of the executable in a tmux of its own."""

    def __init__(self, artefact: Artefact, arguments: list[str]) -> None:
        self._tmux = [shutil.which("tmux") or "tmux", "-f", "/dev/null", "-S", str(artefact.folder / "tmux")]
        variables = [f"{name}={value}" for name, value in artefact.environment.items()]
        command = ["env", "-i", *variables, "TERM=screen-256color", "LANG=C.UTF-8", str(artefact.program), *arguments]
        self._line = f"{' '.join(command)}; echo ended: $?; read forever"

    def __enter__(self) -> Terminal:
        if shutil.which(self._tmux[0]) is None:
            raise SmokeError("the dashboard is looked at in tmux, which is not here: apt-get install tmux")
        self._call("new-session", "-d", "-x", "80", "-y", "24", self._line)
        return self

    def __exit__(self, *problem: object) -> None:
        self._call("kill-server")

    def press(self, key: str) -> None:
        """Types a key."""
        self._call("send-keys", key)

    def wait_for(self, text: str) -> None:
        """Waits until the screen shows a text."""
        wait_until(
            lambda: text in self._call("capture-pane", "-p"),
            f"{text!r} on the screen:\n{self._call('capture-pane', '-p')}",
        )

    def _call(self, *arguments: str) -> str:
        return subprocess.run([*self._tmux, *arguments], capture_output=True, text=True, check=True).stdout


def show(figures: dict[str, float], limits: dict[str, tuple[float, str]]) -> bool:
    """Prints the figures beside their limits; whether those are met that do not depend on how busy the machine is.

    A time over its limit is said, and to be looked at; on a shared runner it says more of the others than of us.
    """
    for name, (limit, unit) in limits.items():
        verdict = "ok" if figures[name] <= limit else "OVER"
        print(f"  {name:8} {figures[name]:7.2f}   limit {limit:g} {unit}   {verdict}")
    return all(figures[name] <= limit for name, (limit, _) in limits.items() if name not in TIMES)


def main() -> int:
    path = Path(sys.argv[1])
    try:
        with Artefact(path.resolve(strict=True)) as artefact:
            smoke = Smoke(artefact)
            for found in smoke.steps():
                print(f"  {found}", flush=True)
    except (SmokeError, OSError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    limits = LIMITS | {"size": UNPACKED} if artefact.is_folder else LIMITS
    return 0 if show(smoke.figures, limits) else 1


if __name__ == "__main__":
    sys.exit(main())
