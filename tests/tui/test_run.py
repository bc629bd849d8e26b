"""The command: what the user got wrong is one line on stderr and exit code 1."""

from __future__ import annotations

import asyncio
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp import web

from tests.tui.answers import problem
from tests.tui.fake_server import FakeCluster, FakeServer
from tui import run as run_module
from tui.run import replay, run


class Tty:
    def isatty(self) -> bool:
        return True


@contextmanager
def served(
    token: str | None = None, answer: web.Response | None = None, cluster: FakeCluster | None = None
) -> Iterator[str]:
    """A fake server in a thread of its own, since `run` has a loop of its own."""
    loop = asyncio.new_event_loop()
    server = FakeServer(cluster, token)
    if answer is not None:
        server.refuse["/"] = answer
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.url
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def refused(capsys: pytest.CaptureFixture[str], url: str, token: str | None = None) -> str:
    assert run(url, token, False) == 1
    out, said = capsys.readouterr()
    assert out == ""
    assert said.startswith("notifier: ")
    assert said.count("\n") == 1
    assert "Traceback" not in said
    return said


def test_a_wrong_token(capsys: pytest.CaptureFixture[str]) -> None:
    with served("secret") as url:
        assert "wrong or expired (401); give --token or NOTIFIER_TOKEN" in refused(capsys, url, "guess")
        assert "(401)" in refused(capsys, url)


def test_a_token_without_the_scope(capsys: pytest.CaptureFixture[str]) -> None:
    with served(answer=problem(403, "x")) as url:
        assert "lacks the scope admin (403)" in refused(capsys, url, "reader")


def test_nobody_there_and_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with served() as url:
        pass
    said = refused(capsys, url)
    assert "cannot reach 127.0.0.1:" in said
    assert "connection refused. Is a server running there? Give --url or NOTIFIER_URL" in said


def test_nobody_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setattr(run_module, "sys", SimpleNamespace(stdin=Tty(), stdout=Tty(), __stderr__=None))
    monkeypatch.setattr(run_module.Dashboard, "run", lambda app: opened.append(app.world.url))
    with served() as url:
        pass
    assert run(url, None, False) == 0
    assert opened == [url.removeprefix("http://")]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (aiohttp.ClientConnectorDNSError(Mock(), OSError(-2, "unknown")), "there is no host of that name. Give --url"),
        (ssl.SSLCertVerificationError("self-signed"), "its certificate is not trusted"),
    ],
)
def test_a_place_that_cannot_be_right(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception, expected: str
) -> None:
    monkeypatch.setattr(aiohttp.ClientSession, "request", Mock(side_effect=error))
    said = refused(capsys, "https://notify.example.org")
    assert "cannot reach notify.example.org: " in said
    assert expected in said


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (problem(404, "x"), "answers, but it is no notifier (404)"),
        (web.Response(text="<html>"), "answers, but not as notifier does"),
        (web.Response(status=301), "redirects elsewhere (301)"),
    ],
)
def test_something_else_there(capsys: pytest.CaptureFixture[str], answer: web.Response, expected: str) -> None:
    with served(answer=answer) as url:
        assert expected in refused(capsys, url)


@pytest.mark.parametrize("url", ["nonsense", "http://\x1b[31m", "ftp://localhost"])
def test_no_url(capsys: pytest.CaptureFixture[str], url: str) -> None:
    assert "is no URL such as http://localhost:8080" in refused(capsys, url)


def test_a_token_that_is_none_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert "s3cret" not in refused(capsys, "http://localhost:1", "s3cret\n")


@pytest.mark.parametrize("answer", [None, problem(503, "the store is away")])
def test_no_terminal(capsys: pytest.CaptureFixture[str], answer: web.Response | None) -> None:
    with served(answer=answer) as url:
        assert "needs a terminal" in refused(capsys, url)


def test_ctrl_c_while_it_connects(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(probe: object) -> None:
        probe.close()  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module.asyncio, "run", interrupted)
    assert "interrupted" in refused(capsys, "http://localhost:1")


def test_a_recording_that_is_there_is_not_overwritten(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run_module, "sys", SimpleNamespace(stdin=Tty(), stdout=Tty(), stderr=sys.stderr))
    (tmp_path / "night.rec").write_text("mine")
    with served() as url:
        assert run(url, None, False, record=str(tmp_path / "night.rec")) == 1
    assert "night.rec: File exists" in capsys.readouterr().err
    assert (tmp_path / "night.rec").read_text() == "mine"


@pytest.mark.parametrize(("name", "said"), [("none", "No such file"), ("mine", "mine is no recording of a dashboard")])
def test_a_file_that_is_no_recording(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, said: str
) -> None:
    monkeypatch.setattr(run_module, "sys", SimpleNamespace(stdin=Tty(), stdout=Tty(), stderr=sys.stderr))
    (tmp_path / "mine").write_text("{}")
    assert replay(str(tmp_path / name), 1.0) == 1
    assert said in capsys.readouterr().err
