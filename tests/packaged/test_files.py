"""The program's own files are read once, and then served from memory."""

from notifier.config import load
from notifier.packaged import files as held_files
from notifier.packaged.files import held, hold_all
from notifier.pod.app import App


def test_all_that_a_server_needs_is_held_before_it_forks(loop, monkeypatch, tmp_path):
    held.cache_clear()
    hold_all()
    monkeypatch.setattr(held_files, "folder_of", lambda package: tmp_path / "swept")

    async def build():
        return App(load({"server_addr": "127.0.0.1:0", "redis_addr": "localhost:1"}, {})).web()

    web = loop.run_until_complete(build())
    assert any(route.path == "notifier-client.js" for route in web.router.routes)


def test_pages_guides_and_scripts():
    assert held("notifier.web", "static")["index.html"].startswith(b"<!")
    assert {"index.md", "ru/index.md", "page.png"} <= held("notifier.web", "docs").keys()
    assert {"inbox/lib.lua", "delivery/lease.lua"} <= held("notifier.store", "scripts").keys()
