"""librdkafka's mock brokers as a process of their own.

    python -m tests.ingest.broker --brokers 1

Prints their address as its first line. Then reads commands, one a line, and answers each with `ok`: `down` and `up`
(all brokers), `topic NAME PARTITIONS`. Ends with its input. What is written to it is kept in memory only, about 5 MiB
a partition.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import sys
from pathlib import Path

CONSUMER, ERROR_TEXT = 1, 512
INITIAL_REBALANCE_MS = 50  # a mock broker's own 3 s would be most of a test


class MockCluster:
    """A few functions of librdkafka's C interface, which its Python client does not offer."""

    def __init__(self, brokers: int) -> None:
        import confluent_kafka

        folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
        self._lib = lib = ctypes.CDLL(str(next(folder.glob("librdkafka*"))))
        for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
            getattr(lib, name).restype = ctypes.c_void_p
        lib.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        error = ctypes.create_string_buffer(ERROR_TEXT)
        conf = ctypes.c_void_p(lib.rd_kafka_conf_new())
        lib.rd_kafka_conf_set(conf, b"log_level", b"3", error, ERROR_TEXT)
        handle = lib.rd_kafka_new(CONSUMER, conf, error, ERROR_TEXT)
        assert handle, error.value
        self._handle = ctypes.c_void_p(handle)  # the cluster lives as long as this client
        self._cluster = ctypes.c_void_p(lib.rd_kafka_mock_cluster_new(self._handle, brokers))
        self._brokers = brokers
        lib.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, INITIAL_REBALANCE_MS)

    @property
    def address(self) -> str:
        """The address of the brokers."""
        return self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def make_topic(self, name: str, partitions: int) -> None:
        """A topic with one replica of each partition."""
        assert self._lib.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1) == 0

    def set_up(self, up: bool) -> None:
        """Closes the brokers' connections and takes no others, or takes them again."""
        call = self._lib.rd_kafka_mock_broker_set_up if up else self._lib.rd_kafka_mock_broker_set_down
        for number in range(1, self._brokers + 1):
            assert call(self._cluster, number) == 0


class BrokerProcess:
    """Such a process, as tests hold it."""

    def __init__(self, brokers: int = 1) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ingest.broker", "--brokers", str(brokers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent.parent,
        )
        self.address = self._read()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def command(self, line: str) -> None:
        """Has a command carried out."""
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        assert self._read() == "ok"

    def stop(self) -> None:
        """Stops the brokers."""
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _read(self) -> str:
        line = self._process.stdout.readline().strip()
        assert line, "the mock brokers have ended"
        return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", type=int, default=1)
    arguments = parser.parse_args()
    cluster = MockCluster(arguments.brokers)
    print(cluster.address, flush=True)
    for line in sys.stdin:
        match line.split():
            case ["topic", name, partitions]:
                cluster.make_topic(name, int(partitions))
            case ["down"]:
                cluster.set_up(False)
            case ["up"]:
                cluster.set_up(True)
            case _:
                raise SystemExit(f"unknown command {line!r}")
        print("ok", flush=True)


if __name__ == "__main__":
    main()
