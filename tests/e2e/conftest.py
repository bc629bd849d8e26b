"""Fixtures of tests with other people's programs: `PYTHON` of a test's module names the packages that it needs."""

import pytest

from tests.e2e.foreign import python_with


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A folder for what the tests of a module install."""
    return tmp_path_factory.mktemp("clients")


@pytest.fixture
def python(loop, cache, request):
    """The folder of programs of a Python with the module's packages, of which there is one for all its tests."""
    folder = cache / "python"
    programs = folder / "bin"
    return programs if programs.exists() else loop.run_until_complete(python_with(folder, *request.module.PYTHON))
