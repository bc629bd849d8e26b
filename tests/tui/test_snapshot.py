"""One frame without a terminal: text, picture or JSON, and an exit code that says whether all is well."""

from __future__ import annotations

import json

import pytest

from tests.tui.answers import problem
from tests.tui.fake_server import FakeCluster, small_cluster
from tests.tui.test_run import served
from tui.run import snapshot

SIZE = (120, 40)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.snapshot.SETTLED", 0.0)


def taken(capsys: pytest.CaptureFixture[str], url: str, view: str = "overview", form: str = "text") -> tuple[int, str]:
    code = snapshot(url, None, view, form, SIZE)
    return code, capsys.readouterr().out


def test_a_calm_server_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    with served() as url:
        code, text = taken(capsys, url)
    assert code == 0
    assert "Connections 3" in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == SIZE[1]
    assert max(map(len, text.splitlines())) <= SIZE[0]


@pytest.mark.parametrize(("view", "seen"), [("clients", "192.168.7.20"), ("deliveries", "10 deliveries")])
def test_the_data_of_the_view_are_there(capsys: pytest.CaptureFixture[str], view: str, seen: str) -> None:
    with served() as url:
        assert seen in taken(capsys, url, view)[1]


def test_json_has_the_rows(capsys: pytest.CaptureFixture[str]) -> None:
    with served() as url:
        _, text = taken(capsys, url, "clients", "json")
    found = json.loads(text)
    assert {row["login"] for row in found["rows"]} == {"alice", "bob"}
    assert found["problems"] == []
    assert found["figures"]["connections"] == 3
    assert any("192.168.7.20" in line for line in found["lines"])


def test_svg_is_a_picture(capsys: pytest.CaptureFixture[str]) -> None:
    with served() as url:
        _, text = taken(capsys, url, "overview", "svg")
    assert text.startswith("<svg")
    assert 'url("http' not in text  # it loads nothing from elsewhere
    assert "Fira" not in text


def said(capsys: pytest.CaptureFixture[str], cluster: FakeCluster) -> tuple[int, list[str]]:
    with served(cluster=cluster) as url:
        code = snapshot(url, None, "overview", "text", SIZE)
    return code, capsys.readouterr().err.splitlines()


def test_problems_are_1_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = small_cluster()
    cluster.cockpit.trouble("circuit_open", "push:android", "push:android circuit \x1b[31mopen 9m")
    cluster.cockpit.trouble("simulated", "sms", "sms is simulated", severity="notice")
    assert said(capsys, cluster) == (1, ["notifier: problem: push:android circuit \\x1b[31mopen 9m"])


def test_a_notice_is_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = small_cluster()
    cluster.cockpit.trouble("simulated", "sms", "sms is simulated", severity="notice")
    assert said(capsys, cluster) == (0, [])


def test_of_an_older_server_health_and_instances_count(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = small_cluster()
    cluster.cockpit.problems = None
    cluster.health["components"]["redis"]["status"] = "unavailable"
    cluster.pods[0]["alive"] = False
    lines = ["notifier: problem: redis unavailable", "notifier: problem: pod-a gone"]
    assert said(capsys, cluster) == (1, lines)


def test_no_such_view_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with served() as url:
        assert taken(capsys, url, "nope") == (2, "")


def test_no_frame_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    with served() as url:
        pass
    assert snapshot(url, None, "overview", "text", SIZE) == 3
    assert "connection refused" in capsys.readouterr().err
    with served("secret") as url:
        assert taken(capsys, url) == (3, "")
    with served(answer=problem(503, "the store is away")) as url:
        assert taken(capsys, url) == (3, "")
