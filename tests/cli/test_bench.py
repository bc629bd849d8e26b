"""`notifier bench` (contract §1)."""

import asyncio
import json
import sys


async def bench(client, *arguments):
    command = (sys.executable, "-m", "notifier", "bench", "--url", f"http://127.0.0.1:{client.port}", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1)
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, output.decode(), errors.decode()


async def test_figures_as_json(client):
    code, output, _ = await bench(
        client, "--users", "5", "--rate", "50", "--duration", "500ms", "--batch", "2", "--json"
    )
    figures = json.loads(output)
    assert code == 0
    assert figures["sent"] == figures["delivered"] == figures["acked"] > 10
    assert (figures["lost"], figures["duplicated"], figures["refused"]) == (0, 0, 0)
    assert figures["latency_ms"].keys() == {"p50", "p95", "p99", "max"}
    assert figures["duration_s"] > 0 and figures["throughput_per_s"] > 0


async def test_what_is_lost_fails(client):
    client.pod.router.hand_out = lambda *args, **options: None
    code, output, _ = await bench(client, "--users", "1", "--rate", "10", "--duration", "100ms", "--drain", "500ms")
    assert code == 1 and "lost" in output


async def test_no_server(client):
    command = (sys.executable, "-m", "notifier", "bench", "--url", "http://127.0.0.1:1", "--users", "1")
    process = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1)
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1 and errors.decode().count("\n") == 1
