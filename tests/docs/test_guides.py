"""The guides: every command in them runs, every link leads somewhere, every generated table is as the code has it."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from notifier.config.reference import reference
from tests.e2e.server import ServerProcess

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "notifier" / "web" / "docs"
GUIDES = sorted(path for path in DOCS.rglob("*.md") if path.name != "README.md")
READMES = [ROOT / "README.md", DOCS / "ru" / "README.md"]
ORIGINALS = sorted(DOCS.glob("*.md"))  # their twins hold the same code, as test_twins.py says: it runs once
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
RUN = {"sh"}  # what is marked `text` is for another place or another day: it starts servers, or needs outside services
SHOWN = {"text", "json", "javascript", "html", "python"}
TOKEN = {"guide": "security", "AUTH_MODE": "token", "ADMIN_TOKEN": "the-operators-own-token"}


def blocks(path, kinds):
    return [text for kind, text in BLOCK.findall(path.read_text()) if kind in kinds]


def name_of(path):
    return str(path.relative_to(DOCS))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with `notifier` on its PATH, as in an installation."""
    folder = tmp_path_factory.mktemp("home")
    program = folder / "notifier"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m notifier "$@"\n')
    program.chmod(0o755)
    return folder


async def run(home, script, url, **more):
    """Runs the commands of a guide one after the other, as a reader would; status and all that they said."""
    script = script.replace("localhost:8080", url.removeprefix("http://"))
    environment = {**os.environ, "PATH": f"{home}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "NOTIFIER_URL": url}
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        cwd=home,
        env={**environment, **more},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()


def test_every_block_says_what_it_is():
    for path in GUIDES:
        assert {kind for kind, _ in BLOCK.findall(path.read_text())} <= RUN | SHOWN, name_of(path)
        assert path.read_text().count("```") == 2 * len(BLOCK.findall(path.read_text())), name_of(path)


@pytest.mark.slow
async def test_every_command_runs(home, tmp_path):
    """All guides in one go, against one server; that of tokens against one that asks for them."""
    for token in (False, True):
        settings = {name: value for name, value in TOKEN.items() if token and name.isupper()}
        server = ServerProcess(tmp_path / f"data-{token}", **settings)
        await server.start()
        try:
            for path in ORIGINALS:
                if (path.stem == "security") is not token:
                    continue
                for script in blocks(path, RUN):
                    more = {"NOTIFIER_TOKEN": TOKEN["ADMIN_TOKEN"]} if token else {}
                    code, said = await run(home, script, server.url, **more)
                    assert code == 0, f"{name_of(path)}:\n{script}\n{said}"
                    assert '"status":500' not in said, f"{name_of(path)}:\n{script}\n{said}"
        finally:
            await server.stop()


async def test_the_python_of_the_guides_runs(home, tmp_path):
    server = ServerProcess(tmp_path / "data")
    await server.start()
    try:
        for path in ORIGINALS:
            for script in blocks(path, {"python"}):
                code, said = await run(home, f"{sys.executable} - <<'END'\n{script}\nEND\n", server.url)
                assert code == 0, f"{name_of(path)}:\n{said}"
    finally:
        await server.stop()


@pytest.mark.parametrize("path", [*GUIDES, *READMES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path):
    served = {DOCS / "api", DOCS / "websocket"}
    for link in LINK.findall(path.read_text()):
        target, _, anchor = link.partition("#")
        file = (path.parent / target).resolve() if target else path
        if target.startswith(("http://", "https://", "/")) or file in served:
            continue
        assert file.exists(), f"{path.name} -> {link}"
        if anchor:
            headings = {
                re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for _, text in HEADING.findall(file.read_text())
            }
            assert anchor in headings, f"{path.name} -> {link}"


def test_the_settings_table_is_the_codes():
    text = (DOCS / "operating.md").read_text()
    assert text.partition("<!-- settings -->\n")[2].partition("\n<!-- /settings -->")[0] == reference()


def test_no_setting_is_named_that_there_is_not():
    known = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", reference()))
    own = {
        "NOTIFIER_URL",
        "NOTIFIER_TOKEN",
        "NOTIFIER_REDIS_SERVER",
        "NO_COLOR",
        "DEV_USER_ID",
        "DEV_LOGIN",
        "HTTP_PORT",
        "PORT",
    }
    words = {
        "DELETE",
        "GET",
        "POST",
        "SIGTERM",
        "SIGHUP",
        "SIGINT",
        "OOM",
        "MISCONF",
        "READONLY",
        "NOREPLICAS",
        "PATH",
        "TMPDIR",
        "INFO",
        "WAIT",
        "PIGEON",
    }
    for path in GUIDES:
        named = set(re.findall(r"`([A-Z][A-Z0-9_]{3,})(?:=[^`]*)?`", path.read_text()))
        assert named <= known | own | words, name_of(path)


@pytest.mark.parametrize("path", READMES, ids=["en", "ru"])
def test_every_file_that_the_readme_names_is_there(path):
    """Programs and tests behind the promises, and the rooms of the tree."""
    text = path.read_text()
    modules = {name.replace(".", "/") + ".py" for name in re.findall(r"python -m ([\w.]+)", text)}
    tree = re.search(r"^```\n(notifier/.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]
    rooms = set(re.findall(r"\b((?:notifier|tui|build|tests)/[\w/]*)", tree))
    named = modules | rooms | set(re.findall(r"`((?:tests|notifier|build)/[\w./-]+)`", text))
    assert len(rooms) > 15 and len(modules) > 5
    assert not [name for name in named if not (ROOT / name).exists()]
