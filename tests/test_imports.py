"""Who may import whom. The table is the map of the source: a notification moves through it from left to right."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from notifier.cli import COMMANDS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "notifier"

ALL = {
    "app",
    "cli",
    "client",
    "config",
    "domain",
    "errors",
    "live",
    "process",
    "service",
    "store",
    "summary",
    "providers",
    "delivery",
    "ingest",
}
ALL |= {"keeper", "scoreboard", "signals", "held_files", "tally", "telemetry", "web", "workers", ""}

# What a part may import beside itself. "" is the package `notifier`, which holds the version.
TABLE = {
    "": set(),
    "__main__": {"cli"},
    "cli": {
        "app",
        "pipeline",
        "providers.base",
        "process",
        "supervisor",
        "bench",
        "config",
        "client",
        "doctor",
        "domain",
        "store.redis_binary",
        "store.address",
        "",
    },
    "app": ALL | {"pipeline"},
    "process": ALL,
    "supervisor": ALL | {"process"},
    "summary": ALL,
    "pipeline": ALL,
    "client": set(),
    "bench": set(),
    "doctor": {"client", "store", "errors", "web.tls"},
    "config": {"domain.origins", "domain.hosts"},  # what they are, said once for the start and for every request
    "errors": set(),
    "telemetry": {"tally"},
    "tally": set(),
    "signals": set(),
    "held_files": set(),
    "scoreboard": set(),
    "keeper": {"store", "scoreboard", "signals"},
    "domain": {"errors"},
    "store": {"domain", "errors", "held_files"},
    "providers": {"domain", "errors"},
    "delivery": {"domain", "store", "providers", "errors"},
    "ingest": {"service", "domain", "errors"},
    "service": {"domain", "store", "errors"},
    "live": {"domain", "store", "errors"},
    "workers": {"domain", "store", "live", "delivery", "ingest", "errors"},
    "web": {"service", "live", "domain", "errors", "held_files"},
}
# Libraries that only some parts speak.
OWNERS = {
    "redis": {"store"},
    "hiredis": {"store", "doctor"},
    "sanic": {"web", "process", "app"},
    "click": {"cli"},
    "aiohttp": {"client", "bench", "service", "cli", "providers"},
    "idna": {"domain"},
    "jwt": {"service", "cli", "providers"},
    "cryptography": {"service", "providers"},
    "aiosmtplib": {"providers"},
    "httpx2": {"providers"},
    "http_ece": {"providers"},
    "standardwebhooks": {"providers"},
    "confluent_kafka": {"ingest"},
    "textual": set(),
    "tui": {"cli"},
    "tests": set(),
}
HEAVY = {"sanic", "textual", "redis", "hiredis", "uvloop", "prometheus_client", "structlog"}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


def part_of(module):
    return module.split(".")[1] if "." in module else ""


def statements(node):
    """The import statements that run; those for the type checker alone do not."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child
        yield from statements(child)


def imports_of(module):
    """The modules of this program that a module imports, early or late."""
    found = set()
    for statement in statements(ast.parse(MODULES[module].read_text())):
        if isinstance(statement, ast.Import):
            found |= {name.name for name in statement.names if name.name in MODULES}
            continue
        assert statement.level == 0, f"{module} imports by a relative name"
        for name in statement.names:
            inner = f"{statement.module}.{name.name}"
            found |= {inner if inner in MODULES else statement.module} & MODULES.keys()
    return found


def python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_table_names_every_part():
    assert {part_of(module) for module in MODULES} == TABLE.keys()


@pytest.mark.parametrize("module", MODULES)
def test_only_what_the_table_allows(module):
    part = part_of(module)
    wrong = [
        other
        for other in imports_of(module)
        if part_of(other) not in TABLE[part] | {part} and other.removeprefix("notifier.") not in TABLE[part]
    ]
    assert not wrong, f"{module} may not import {', '.join(wrong)}"


@pytest.mark.parametrize("module", MODULES)
def test_libraries_stay_where_they_belong(module):
    tree = ast.parse(MODULES[module].read_text())
    names = {alias.name for s in statements(tree) if isinstance(s, ast.Import) for alias in s.names}
    names |= {s.module or "" for s in statements(tree) if isinstance(s, ast.ImportFrom)}
    for library in {name.split(".")[0] for name in names} & OWNERS.keys():
        assert part_of(module) in OWNERS[library], f"{module} may not import {library}"


def test_no_circles():
    done, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in done:
            return
        path.append(module)
        for other in sorted(imports_of(module)):
            visit(other)
        done.add(path.pop())

    for module in MODULES:
        visit(module)


FIRST_OF_ALL = """
import importlib, os, sys, traceback
import aiohttp, msgspec, sanic  # slow to load, and nothing of ours
failed = 0
for name in sys.argv[1:]:
    if os.fork() == 0:
        try:
            importlib.import_module(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    failed |= os.wait()[1]
sys.exit(failed != 0)
"""


def test_each_module_may_be_the_first_to_be_imported():
    answer = python(FIRST_OF_ALL, *MODULES)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_loads_nothing_heavy(command):
    code = "import sys\nfrom notifier.cli import run\nrun([sys.argv[1], '--help'])\nprint('LOADED', *sys.modules)"
    answer = python(code, command)
    help_text, _, loaded = answer.stdout.partition("LOADED ")
    assert "Usage:" in help_text, answer.stderr
    assert not {name.split(".")[0] for name in loaded.split()} & (HEAVY | {"aiohttp"})


def test_what_send_runs_with_is_light():
    loaded = python("import sys, notifier.cli.send, notifier.client\nprint(*sys.modules)").stdout.split()
    assert not {name.split(".")[0] for name in loaded} & HEAVY


def test_a_server_without_tokens_and_kafka_loads_nothing_for_them():
    code = "import sys\nfrom notifier.app import App\nfrom notifier.config import load\nimport notifier.process\n"
    code += "App(load({}, {'REDIS_ADDR': 'localhost'})).web()\nprint(*sys.modules)"
    modules = python(code).stdout.split()
    loaded = {name.split(".")[0] for name in modules}
    assert "sanic" in loaded
    assert not [name for name in modules if name.startswith("notifier.ingest")]
    assert not loaded & {"jwt", "cryptography", "aiohttp", "textual", "aiosmtplib", "httpx2", "standardwebhooks"}
    assert "confluent_kafka" not in loaded


def test_a_server_loads_what_makes_documents_when_it_is_asked_for_them():
    code = "import sys\nfrom notifier.app import App\nfrom notifier.config import load\nimport notifier.process\n"
    code += "App(load({}, {'REDIS_ADDR': 'localhost'})).web()\nprint(*sys.modules)"
    loaded = python(code).stdout.split()
    assert "notifier.web.documents.door" in loaded
    assert not {"notifier.web.documents.library", "notifier.web.openapi", "notifier.web.api", "markdown_it"} & {*loaded}


def test_programs_beside_the_suite_import():
    """What `make bench-…` and `make faults` start, and no test runs."""
    programs = [path for folder in ("bench", "e2e") for path in (ROOT / "tests" / folder).glob("*.py")]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in programs if path.stem != "__init__"]
    answer = python("import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)", *names)
    assert (answer.returncode, answer.stderr) == (0, "")
