"""The real program as a child process, on a port and a data folder that outlive a restart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

READY_WITHIN = 20.0
STOP_WITHIN = 15.0
ROOT = Path(__file__).resolve().parents[2]
# What a busy machine makes of a server is no problem to look for here.
PATIENT = {"PROBLEM_STORE_P99": "30s", "PROBLEM_LOOP_LAG": "30s", "PROBLEM_DELIVERY_P99": "30s"}


class Program:
    """`notifier serve` with its own Redis."""

    def __init__(self, port: int, data_dir: Path, settings: dict[str, str] | None = None) -> None:
        self.port, self.data_dir, self.settings = port, data_dir, settings or {}
        self.pod_id = f"page-{uuid.uuid4().hex[:8]}"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it and waits until it says that it is ready."""
        command = [sys.executable, "-m", "notifier", "serve", "--addr", f"127.0.0.1:{self.port}"]
        log = (self.data_dir / "page-tests.log").open("ab")
        environment = os.environ | PATIENT | self.settings | {"POD_ID": self.pod_id}
        self.process = subprocess.Popen(
            [*command, "--data-dir", str(self.data_dir)], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        log.close()
        deadline = time.monotonic() + READY_WITHIN
        while not self._is_ready():
            assert self.process.poll() is None, self._log()
            assert time.monotonic() < deadline, self._log()

    def _is_ready(self) -> bool:
        """True where this very process answers: another program could have the port."""
        try:
            with urllib.request.urlopen(f"{self.base_url}/health", timeout=1) as answer:
                return bool(json.load(answer)["pod_id"] == self.pod_id)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def _log(self) -> str:
        return (self.data_dir / "page-tests.log").read_text()

    def stop(self) -> None:
        """Stops it as a service manager does."""
        if self.process is None:
            return
        self.process.terminate()
        assert self.process.wait(STOP_WITHIN) == 0, self._log()
        self.process = None

    end = stop
