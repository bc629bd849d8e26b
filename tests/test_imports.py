"""Imports between rooms. The table is the map of the source: a notification moves through it from left to right."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from notifier.cli import COMMANDS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "notifier"

# What a room may import beside itself. A module's room is the longest name here that its own begins with; a row
# allows a room with all its own rooms, or one module by its full name. "" is the package, which holds the version.
TABLE = {
    "": set(),
    "__main__": {"cli"},
    "errors": set(),
    "cli": {
        "serving",
        "packaged",
        "pod.pipeline",
        "config",
        "client",
        "doctor",
        "domain",
        "store.redis",
        "store.embedded",
        "",
    }
    | {"providers.base"},
    "serving": {
        "pod",
        "packaged",
        "config",
        "telemetry",
        "store",
        "web.http",
        "ingest.options",
        "errors",
        "domain.times",
    }
    | {""},
    "pod": {
        "config",
        "telemetry",
        "domain",
        "store",
        "service",
        "web",
        "ingest",
    }
    | {"live", "delivery", "providers", "duties", "errors", ""},
    "client": set(),
    "config": {
        "domain.doors",
        "domain.origins",
        "domain.hosts",
        "domain.times",
        "domain.users",
        "store.redis.address",
    },  # grammars that stand once
    "packaged": set(),
    "telemetry": set(),
    "domain": {"errors"},
    "store.redis": {"store.keys", "packaged", "domain", "errors"},
    "store.embedded": {"store.redis.link", "store.redis.address", "errors"},
    "store": {"domain", "errors"},
    "service": {"domain", "store", "errors"},
    "web.http": {"service", "domain", "live", "errors"},
    "web.endpoints": {"web.http", "packaged", "service", "live", "domain", "errors"},
    "web.doors": {"web.endpoints", "web.http", "service", "live", "domain", "errors"},
    "web.documents": {"web.endpoints", "web.http", "packaged", "domain", "errors"},
    "web": set(),
    "ingest": {"service", "domain", "errors"},
    "live": {"domain", "store", "errors"},
    "delivery": {"domain", "store", "providers", "errors"},
    "providers": {"domain", "errors"},
    "duties": {"domain", "store", "live", "delivery", "ingest", "errors"},
    "doctor": {"client", "domain.times", "store", "web.http.tls"},
}
# Libraries that only some parts speak.
OWNERS = {
    "redis": {"store", "doctor"},
    "hiredis": {"store"},
    "idna": {"domain"},
    "sanic": {"web", "serving", "pod"},
    "click": {"cli"},
    "aiohttp": {"client", "service", "cli", "providers"},
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


def room_of(module):
    """The longest row of the table that the module's name begins with."""
    name = module.removeprefix("notifier").removeprefix(".")
    return max((room for room in TABLE if name == room or name.startswith(f"{room}.")), key=len, default="")


def is_allowed(room, other):
    """True where a room may import a module: its own, one in an inner room of its own, or what its row allows."""
    name = other.removeprefix("notifier").removeprefix(".")
    allowed = {row for row in TABLE[room] if name == row or name.startswith(f"{row}.")}
    return room_of(other) == room or (room and name.startswith(f"{room}.")) or bool(allowed) or name in TABLE[room]


def statements(node):
    """Every import statement: early, late, and for the type checker alone, which too says what a module must know."""
    for child in ast.iter_child_nodes(node):
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


def test_the_table_names_every_room():
    assert {room_of(module) for module in MODULES} | {"web"} == TABLE.keys()


@pytest.mark.parametrize("module", MODULES)
def test_only_what_the_table_allows(module):
    wrong = [other for other in imports_of(module) if not is_allowed(room_of(module), other)]
    assert not wrong, f"{module} may not import {', '.join(wrong)}"


def test_the_root_holds_the_entry_and_the_error_alone():
    assert {path.name for path in SOURCE.glob("*.py")} == {"__init__.py", "__main__.py", "errors.py"}


@pytest.mark.parametrize("module", MODULES)
def test_libraries_stay_where_they_belong(module):
    tree = ast.parse(MODULES[module].read_text())
    names = {alias.name for s in statements(tree) if isinstance(s, ast.Import) for alias in s.names}
    names |= {s.module or "" for s in statements(tree) if isinstance(s, ast.ImportFrom)}
    for library in {name.split(".")[0] for name in names} & OWNERS.keys():
        assert part_of(module) in OWNERS[library], f"{module} may not import {library}"


def find_circle(edges):
    """The first circle of a graph, as its names in order; empty when there is none."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        path.append(name)
        for other in sorted(edges[name]):
            if found := visit(other):
                return found
        done.add(path.pop())
        return []

    return next((found for name in edges if (found := visit(name))), [])


def test_a_circle_is_found_where_one_is():
    assert find_circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert find_circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_imports_for_the_type_checker_count():
    code = "if TYPE_CHECKING:\n    from notifier.pod.app import App\ndef late():\n    import notifier.errors"
    assert [ast.unparse(found) for found in statements(ast.parse(code))] == [
        "from notifier.pod.app import App",
        "import notifier.errors",
    ]


def test_no_circles():
    assert find_circle({module: imports_of(module) for module in MODULES}) == []


def test_no_circles_of_rooms():
    """Folders of the top level know each other in one direction alone; the package itself holds the version."""
    rooms = {part_of(module): set() for module in MODULES}
    for module in MODULES:
        rooms[part_of(module)] |= {part_of(other) for other in imports_of(module)} - {part_of(module), ""}
    assert find_circle(rooms) == []


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


@pytest.mark.slow
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


def test_a_server_without_tokens_kafka_and_sentinel_loads_nothing_for_them():
    code = "import sys\nfrom notifier.pod.app import App\nfrom notifier.config import load\nimport notifier.serving.process\n"
    code += "App(load({}, {'REDIS_ADDR': 'localhost'})).web()\nprint(*sys.modules)"
    modules = python(code).stdout.split()
    loaded = {name.split(".")[0] for name in modules}
    assert "sanic" in loaded
    assert not [name for name in modules if name.startswith("notifier.ingest")]
    assert not loaded & {"jwt", "cryptography", "aiohttp", "textual", "aiosmtplib", "httpx2", "standardwebhooks"}
    assert not loaded & {"confluent_kafka", "redis"}  # redis-py takes 0.24 s; Sentinel alone needs it


def test_a_server_loads_what_makes_documents_when_it_is_asked_for_them():
    code = "import sys\nfrom notifier.pod.app import App\nfrom notifier.config import load\nimport notifier.serving.process\n"
    code += "App(load({}, {'REDIS_ADDR': 'localhost'})).web()\nprint(*sys.modules)"
    loaded = python(code).stdout.split()
    assert "notifier.web.documents.endpoints" in loaded
    assert not {
        "notifier.web.documents.library",
        "notifier.web.documents.openapi",
        "markdown_it",
    } & {*loaded}


def test_programs_beside_the_suite_import():
    """Programs that `make bench-…` and `make faults` start, and no test runs."""
    programs = [path for folder in ("bench", "e2e") for path in (ROOT / "tests" / folder).glob("*.py")]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in programs if path.stem != "__init__"]
    answer = python("import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)", *names)
    assert (answer.returncode, answer.stderr) == (0, "")
