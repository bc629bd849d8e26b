"""Imports of the package, and that a view is one file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.support import Stage, play

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "tui"
# rich comes with Textual, whose line API speaks its segments and styles.
ALLOWED = {"tui", "textual", "textual_plotext", "aiohttp", "rich", *sys.stdlib_module_names}
MODULES = sorted(SOURCE.rglob("*.py"))
NO_TEXTUAL = [
    "actions",
    "client",
    "events",
    "glance",
    "minutes",
    "talkers",
    "doors",
    "why",
    "figures",
    "found",
    "humanise",
    "link",
    "listing",
    "model",
    "preferences",
    "problems",
    "terminal",
    "safe",
    "sse",
    "deliveries.actions",
    "deliveries.channels",
    "deliveries.columns",
    "deliveries.model",
    "deliveries.query",
    "deliveries.subjects",
    "inbox.actions",
    "inbox.columns",
    "inbox.model",
    "inbox.subjects",
    "record",
]
NO_TEXTUAL += ["subjects", "world", "export", "times", "beside", "contexts", "recording.recorder", "recording.tape"]


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_it_imports_itself_textual_and_an_http_client(path: Path) -> None:
    assert {name.split(".")[0] for name in imported(path)} <= ALLOWED


def test_client_and_model_know_no_textual() -> None:
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module('tui.' + name)\nprint('textual' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code, *NO_TEXTUAL], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


def test_no_circles() -> None:
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES}
    graph = {name: {other for other in imported(path) if other in names} for name, path in names.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path, name])
        if name not in done:
            for other in graph[name]:
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_widgets_do_not_know_pages() -> None:
    for path in (SOURCE / "widgets").glob("*.py"):
        assert not {
            name for name in imported(path) if name.startswith(("tui.screens", "tui.details", "tui.page", "tui.app"))
        }


NEW_VIEW = '''
from tui import columns
from tui.view import TableView
from tui.widgets.tabs import Tab


class Letters(TableView):
    """Dead letters, one day."""

    tab = Tab("letters", "plus", "Dead letters")
    empty = "No dead letters"

    def listing(self):
        return columns.instances()

    def show_cluster(self):
        self.take([])
'''


def test_a_new_view_is_one_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tui import screens
    from tui.app import Dashboard
    from tui.commands import Command, bind
    from tui.everywhere import EVERYWHERE

    (tmp_path / "letters.py").write_text(NEW_VIEW)
    monkeypatch.setattr(screens, "__path__", [*screens.__path__, str(tmp_path)])
    screens.find_views.cache_clear()
    key = Command("plus", "view('letters')", "Dead letters", "Go to Dead letters")
    monkeypatch.setattr(Dashboard, "_merged_bindings", None)

    async def story(stage: Stage) -> None:
        await stage.sees("! +")
        await stage.app.action_view("letters")
        await stage.sees("No dead letters")

    try:
        assert screens.find_views()[-1].tab.key == "plus"
        assert bind([*EVERYWHERE, key])
        play(story, size=(80, 24))
    finally:
        screens.find_views.cache_clear()
        sys.modules.pop("tui.screens.letters", None)


def test_two_views_with_one_key_are_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from tui import screens

    (tmp_path / "letters.py").write_text(NEW_VIEW.replace('"plus"', '"8"'))
    monkeypatch.setattr(screens, "__path__", [*screens.__path__, str(tmp_path)])
    screens.find_views.cache_clear()
    try:
        with pytest.raises(RuntimeError, match="two views share a key"):
            screens.find_views()
    finally:
        screens.find_views.cache_clear()
        sys.modules.pop("tui.screens.letters", None)
