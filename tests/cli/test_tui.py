"""The options of `notifier tui` that need no terminal: contexts, snapshots, and which exclude one another."""

import pytest

from tests.cli.runner import one_line, run
from tests.tui.fake_server import FakeServer


@pytest.fixture
def contexts(tmp_path, monkeypatch):
    """A folder of contexts of the user's own."""
    folder = tmp_path / "notifier"
    folder.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (folder / "contexts.toml").write_text('[dev]\nurl = "http://127.0.0.1:1"\ntoken_file = "dev.token"\n')
    (folder / "contexts.toml").chmod(0o600)
    (folder / "dev.token").write_text("s3cret")
    (folder / "dev.token").chmod(0o600)
    return folder


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["prod"], "'prod': a context is named as @prod"),
        (["--record", "a", "--replay", "b"], "exclude one another"),
        (["--snapshot", "overview", "--record", "a"], "exclude one another"),
        (["--snapshot", "overview", "--size", "big"], "no size such as 120x40"),
        (["--snapshot", "overview", "--size", "79x24"], "at least 80x24"),
        (["--snapshot", "overview", "--format", "png"], "'png' is not one of"),
        (["--speed", "0"], "--speed"),
        (["@dev", "--url", "http://localhost"], "give @dev or --url, not both"),
        (["@nope"], "there is no context @nope"),
    ],
)
async def test_wrong_usage_is_2(loop, contexts, arguments, words):
    assert words in one_line(await run("tui", *arguments), 2)


async def test_a_token_that_others_may_read_is_not_used(loop, contexts):
    (contexts / "dev.token").chmod(0o644)
    assert "can be read by others (0644); chmod 600" in one_line(await run("tui", "@dev"), 2)


@pytest.mark.slow
async def test_a_context_is_asked_with_its_own_token(loop, contexts):
    async with FakeServer(token="s3cret") as server:
        (contexts / "contexts.toml").write_text(f'[dev]\nurl = "{server.url}"\ntoken_file = "dev.token"\n')
        answer = await run("tui", "@dev", "--snapshot", "overview", NOTIFIER_TOKEN="staging")
        assert (answer.code, answer.err) == (0, "")
        assert f"@dev {server.url.removeprefix('http://')}" in answer.out
        refused = await run("tui", "@dev", "--token", "other", "--snapshot", "overview")
        assert "wrong or expired (401)" in one_line(refused, 3)


async def test_no_frame_is_3(loop, contexts):
    answer = await run("tui", "@dev", "--snapshot", "overview")
    assert "cannot reach 127.0.0.1:1" in one_line(answer, 3)


async def test_a_replay_needs_a_terminal(loop, tmp_path):
    assert "a replay needs a terminal" in one_line(await run("tui", "--replay", str(tmp_path / "none")), 1)
