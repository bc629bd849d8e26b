"""The data folder is its owner's alone, whatever it was before."""

import os
import stat

import pytest

from notifier.store.embedded.private import NotPrivate, make_private, open_private
from notifier.store.embedded.server import EmbeddedRedis, EmbeddedRedisError


def mode_of(path):
    return stat.S_IMODE(path.lstat().st_mode)


def too_wide(folder):
    """Files of a folder, and the folder itself, that others may touch."""
    return {str(path): oct(mode_of(path)) for path in (folder, *folder.rglob("*")) if mode_of(path) & 0o077}


@pytest.fixture
def wide_umask():
    before = os.umask(0)
    yield
    os.umask(before)


async def run(folder):
    redis = EmbeddedRedis(folder, "everysec", on_event=lambda name, facts: None)
    await redis.start()
    await redis.stop()


@pytest.mark.usefixtures("wide_umask")
async def test_a_new_folder_and_one_that_was_open(data_dir):
    folder = data_dir / "new"
    await run(folder)
    assert (folder / "appendonlydir").exists() and too_wide(folder) == {}
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    (folder / "redis.log.1").touch(0o666)
    await run(folder)
    assert too_wide(folder) == {} and mode_of(folder) == 0o700 and mode_of(folder / "lock") == 0o600


def test_only_what_the_program_keeps_is_changed(data_dir):
    (data_dir / "tool").touch()
    (data_dir / "tool").chmod(0o755)
    make_private(data_dir)
    assert mode_of(data_dir / "tool") == 0o755


@pytest.mark.parametrize("name", ["lock", "redis.log"])
async def test_links_are_not_followed(data_dir, name):
    target = data_dir.parent / f"{data_dir.name}-target"
    target.write_text("precious")
    try:
        (data_dir / name).symlink_to(target)
        with pytest.raises(EmbeddedRedisError, match=f"{name} is a link, which is not followed: remove it"):
            await run(data_dir)
        assert target.read_text() == "precious"
    finally:
        target.unlink()


async def test_a_dangling_link_makes_nothing(data_dir):
    (data_dir / "lock").symlink_to(data_dir / "nowhere")
    with pytest.raises(EmbeddedRedisError, match="is a link"):
        await run(data_dir)
    assert not (data_dir / "nowhere").exists()


@pytest.mark.parametrize("inner", ["", "appendonlydir", "lock"])
def test_what_belongs_to_others_is_refused(data_dir, monkeypatch, inner):
    (data_dir / "appendonlydir").mkdir()
    (data_dir / "lock").touch()
    if os.geteuid() == 0:
        os.chown(data_dir / inner, 65534, 65534)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(NotPrivate, match=r"belongs to user \d+, not to \d+: chown it"):
        make_private(data_dir)


def test_a_folder_that_anybody_may_replace(data_dir):
    above = data_dir / "above"
    above.mkdir()
    above.chmod(0o777)
    with pytest.raises(NotPrivate, match=f"{above} is writable for all: chmod o-w"):
        make_private(above / "data")
    above.chmod(0o1777)
    make_private(above / "data")


def test_a_file_is_private_whatever_it_was(data_dir):
    path = data_dir / "f"
    path.touch()
    path.chmod(0o666)
    os.close(open_private(path, os.O_RDWR))
    assert mode_of(path) == 0o600
