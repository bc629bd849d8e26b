"""Libraries without the parts that the server never calls."""

import http.server
import importlib
import subprocess
import sys
from importlib.util import find_spec

import pytest

from notifier.serving.libraries import ABSENT, SPARED, Hollow, without

SPARED_PARTS = [part for parts in SPARED.values() for part in parts]
# What a server that runs has loaded; its own modules come as they come with `notifier serve`.
LOADED = """
import sys
from notifier.serving import libraries
libraries.load()
from notifier.config import load
from notifier.pod.app import App
import notifier.serving.process
App(load({}, {'REDIS_ADDR': 'localhost'})).web()
print(*sys.modules)
"""


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_a_server_loads_nothing_of_what_it_never_calls():
    loaded = {*run(LOADED)}
    assert {"sanic", "prometheus_client.exposition"} <= loaded
    brought = {"tracerite", "websockets", "html", "pickle", "http.client", "importlib.metadata"}
    assert loaded & {*SPARED_PARTS, *ABSENT, *brought} == set()


def test_guides_are_rendered_when_files_of_the_unpacked_folder_are_gone():
    """Metadata of packages too: html5tagger would read its version there."""
    code = "from notifier.serving import libraries\nlibraries.load()\nimport importlib.metadata\n"
    code += "def version(name): raise importlib.metadata.PackageNotFoundError(name)\n"
    code += "importlib.metadata.version = version\nimport notifier.web.documents.library\nprint('rendered')"
    assert run(code) == ["rendered"]


def test_a_server_loads_libraries_whole_when_it_is_not_asked_to():
    assert "sanic.worker.manager" in run("import sys, sanic\nprint(*sys.modules)")


@pytest.mark.parametrize("part", [*SPARED_PARTS, *ABSENT])
def test_each_part_exists(part):
    """Else a new version of the library has it elsewhere, and it is loaded again."""
    assert find_spec(part) is not None


def test_each_name_that_was_taken_from_an_empty_module_is_one_of_the_real_module():
    code = "from notifier.serving import libraries\nlibraries.load()\n"
    code += "print(*(f'{kind.__module__}:{kind.__name__}' for kind in libraries.Absent.__subclasses__()))"
    taken = [name.split(":") for name in run(code)]
    assert {module for module, _ in taken} == {*SPARED_PARTS} - {"gzip", "logging.config"}  # imported as modules
    for module, name in taken:
        assert hasattr(importlib.import_module(module), name), f"{module} has no {name}"


def test_an_empty_module_stands_in_while_others_are_imported_and_not_after():
    with without(("nowhere", "nowhere.at_all", "http.server")):
        empty = importlib.import_module("nowhere.at_all")
        assert isinstance(empty, Hollow)
        assert sys.modules["http.server"] is http.server  # which was loaded already
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("nowhere.at_all")
    assert sys.modules["http.server"] is http.server


def test_what_is_absent_can_be_derived_from_and_caught_and_never_made():
    empty = Hollow("some.module")
    assert empty.Server is empty.Server

    class Derived(empty.Mixin, empty.Server):
        pass

    with pytest.raises(RuntimeError, match=r"Derived was left out"):
        Derived(1, x=2)
    with pytest.raises(RuntimeError, match=r"some\.module\.connect was left out"):
        empty.connect()
    assert not hasattr(empty, "__file__")


def test_the_real_modules_come_back_after_an_error():
    with pytest.raises(ValueError, match="x"), without(("nowhere",)):
        raise ValueError("x")
    assert "nowhere" not in sys.modules
