"""The registry: one file is a provider."""

import ast
from pathlib import Path

import pytest

from notifier.providers import schemes
from notifier.providers.base import SetupError
from notifier.providers.registry import build_provider, modules, provider_class
from notifier.providers.tools import Tools

PIGEON = '''
from notifier.providers.base import Provider, ProviderError
from notifier.providers.parameters import duration, text

LOFT = text("loft", "where the pigeon comes from")
REST = duration("rest", "the wait before another flight")


class Pigeon(Provider):
    """`pigeon://NAME?loft=…`: by air."""

    schemes = ("pigeon", "dove")
    parameters = (LOFT, REST)

    def __init__(self, url, route, tools):
        super().__init__(f"pigeon:{url.host}:{url.needed(LOFT)}")
        self.rest = url.get(REST, 1.0)

    async def send(self, message):
        raise ProviderError("hawk", message.to, retry_after=self.rest)
'''


@pytest.fixture
def pigeon(tmp_path, monkeypatch):
    (tmp_path / "pigeon_dove.py").write_text(PIGEON)
    monkeypatch.setattr(schemes, "__path__", [*schemes.__path__, str(tmp_path)])


async def test_a_provider_is_one_file(pigeon, build, message):
    provider = build("pigeon://gerda?loft=attic&rest=3s")
    with pytest.raises(Exception, match=r"hawk: \+905551234567") as raised:
        await provider.send(message())
    assert (provider.name, raised.value.retry_after) == ("pigeon:gerda:attic", 3.0)
    assert type(build("dove://x?loft=l")) is type(provider)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("pigeon://x", "loft= is needed: where the pigeon comes from"),
        ("pigeon://x?loft=a&rest=2h", "rest= must be a duration of at most 60s"),
        ("pigeon://x?loft=a&colour=b", r"unknown parameter: colour \(it takes loft=, rest=\)"),
        ("pigeon://x:99999?loft=a", "a provider's URL is malformed"),
        ("raven://x", "no provider has the scheme 'raven'; there are .*dove, .*pigeon"),
    ],
)
def test_what_it_declares_is_what_is_taken(pigeon, url, said):
    with pytest.raises(SetupError, match=f"^sms: .*{said}"):
        build_provider(url, "sms", Tools())


def test_the_names_of_the_files_are_the_schemes():
    assert {"http", "https", "smtp", "simulator", "recipient"} <= modules().keys()
    for scheme, name in modules().items():
        assert sorted(provider_class(scheme).schemes) == sorted(name.split("_"))


def test_nothing_lists_the_providers():
    """Only the file itself, and what a route has when nothing is set, names a scheme's file or class."""
    root = Path(schemes.__file__).parents[2]
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("notifier.providers.schemes."), path


def test_every_provider_inherits_the_contract():
    folder = Path(__file__).parent / "schemes"
    for name in set(modules().values()):
        assert "class TestContract(" in (folder / f"test_{name}.py").read_text(), name
