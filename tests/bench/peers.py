"""CPU per message of both forms of the program and of other servers, in one interleaved run: part of `make bench`.

The servers are started, loaded and ended by a script that lies beside this checkout where it is measured (`SHARED`):
single targets, a thousand users online, as fast as it goes. What is not installed is said, with how it would be.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.bench.measure import ROOT, SHARED, forms
from tests.bench.row import Row

NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
GO = Path("/usr/share/gocode/src/github.com/centrifugal/centrifuge")
INSTALL = {
    "centrifuge_redis": "golang-go golang-github-centrifugal-{centrifuge,protocol}-dev golang-github-fzambia-eagle-dev "
    "golang-github-igm-sockjs-go-dev golang-github-mna-redisc-dev",
    "nchan_redis": "nginx-light libnginx-mod-nchan",
    "mosquitto": "mosquitto",
    "socketio": "nodejs npm; npm i socket.io @socket.io/redis-streams-adapter redis; NODE_PATH=.../node_modules",
}
TITLES = {"centrifuge_redis": "Centrifuge + Redis", "nchan_redis": "Nchan + Redis", "mosquitto": "Mosquitto"}
TITLES["socketio"] = "Socket.IO + Redis"
LEAST = {("plain", "centrifuge_redis"): 1.0, ("compiled", "centrifuge_redis"): 1.3}  # its CPU, divided by ours
LEAST_RATE = {"centrifuge_redis": 1.0, "nchan_redis": 1.8, "socketio": 3.0, "mosquitto": 0.3}  # ours, divided by its

Runs = Mapping[str, list[dict[str, list[float]]]]


def compare(repeat: int, secs: float, wanted: str, folder: Path) -> list[Row]:
    """Measures what there is, `repeat` rounds, and prints and returns the rows."""
    script = SHARED / "run.py"
    names = [name for name in INSTALL if wanted == "all" or name in wanted.split(",")]
    if not names:
        return []
    if not script.exists():
        print(f"other servers: not measured, there is no {script}")
        return []
    there = [name for name in names if _is_installed(name, folder)]
    for name in names:
        if name not in there:
            print(f"{TITLES[name]:<62}not installed: apt-get install {INSTALL[name]}")
    found: dict[str, list[dict[str, list[float]]]] = {name: [] for name in [*forms(), *there]}
    for _ in range(repeat):
        for name, runs in found.items():
            runs.append(_run(script, name, secs, folder))
    rows = _rows(found)
    print(*(row.line() for row in rows), sep="\n", flush=True)
    return rows


def _is_installed(name: str, folder: Path) -> bool:
    if name == "centrifuge_redis":
        return bool(shutil.which("go")) and GO.exists() and _build_centrifuge(folder)
    if name == "nchan_redis":
        return bool(shutil.which("nginx")) and NCHAN.exists()
    if name == "socketio":
        command = ["node", "-e", "require.resolve('socket.io')"]
        return bool(shutil.which("node")) and subprocess.run(command, capture_output=True, check=False).returncode == 0
    return bool(shutil.which(name))


def _build_centrifuge(folder: Path) -> bool:
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(folder / "cache")}
    command = ["go", "build", "-o", str(folder / "centrifuge"), str(SHARED / "peer_centrifuge.go")]
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0


def _run(script: Path, name: str, secs: float, folder: Path) -> dict[str, list[float]]:
    """One server under load: the script's figures by their names."""
    output = folder / "figures.json"
    command = [sys.executable, str(script), "--scenarios", "max", "--repeat", "1", "--secs", str(secs)]
    command += ["--json", str(output), "--load", str(folder / "load"), "--centrifuge", str(folder / "centrifuge")]
    form = forms().get(name)
    command += ["--targets", "notifier" if form else name]
    if form:
        serve = ["serve", "--addr", "127.0.0.1:{port}", "--redis-addr", "unix://{redis}"]
        command += ["--cmd", shlex.join(["env", f"PYTHONPATH={ROOT}", *form, *serve])]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    print(*(line for line in done.stdout.splitlines() if line.startswith("FAILED")), sep="\n", end="")
    (figures,) = json.loads(output.read_text()).values()
    return dict(figures)


def _rows(found: Runs) -> list[Row]:
    costs = {name: costs for name, runs in found.items() if (costs := _costs(runs))}
    rates = {name: [rate for run in runs for rate in run.get("max_deliver_s", [])] for name, runs in found.items()}
    rows = [Row(f"CPU per message, store included: {_title(name)}", "us", cost) for name, cost in costs.items()]
    rows += [Row(f"messages/s: {_title(name)}", "/s", rates[name]) for name in costs]
    for name, title in TITLES.items():
        for form in forms():
            if form in costs and name in costs:
                ratio = statistics.median(costs[name]) / statistics.median(costs[form])
                rows.append(Row(f"{title}: its CPU by that of {form}", "x", [ratio], least=LEAST.get((form, name))))
        if "plain" in costs and name in costs:
            ratio = statistics.median(rates["plain"]) / statistics.median(rates[name])
            rows.append(Row(f"{title}: messages/s of plain by its", "x", [ratio], least=LEAST_RATE[name]))
    return rows


def _title(name: str) -> str:
    return TITLES.get(name, f"notifier, {name}")


def _costs(runs: list[dict[str, list[float]]]) -> list[float]:
    """The CPU of server and store per message, of each run that did not fail."""
    whole = [run for run in runs if run.get("max_srv_us")]
    return [run["max_srv_us"][0] + run.get("max_store_us", [0.0])[0] for run in whole]
