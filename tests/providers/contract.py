"""The contract that the tests of every provider inherit, combinations included, and the one of those over HTTP."""

import pytest

from notifier.providers.base import ProviderError, SetupError
from notifier.providers.registry import build_provider, provider_class
from notifier.providers.tools import Tools


async def failure(provider, message):
    """The error of a send that has to fail."""
    with pytest.raises(ProviderError) as raised:
        await provider.send(message)
    return raised.value


class ProviderContract:
    """A provider is built by the fixture `make`, takes the message `sample`, and shows none of `secrets`."""

    secrets = ()

    @pytest.fixture
    def make(self):
        raise NotImplementedError

    @pytest.fixture
    def sample(self, message):
        return message()

    async def test_a_send_answers_with_an_id_that_can_be_stored(self, make, sample):
        found = await make().send(sample)
        assert isinstance(found, str)
        assert found.isprintable()
        assert len(found) <= 256

    async def test_it_can_be_checked_and_closed_at_any_time(self, make, sample):
        provider = make()
        await provider.check()
        await provider.send(sample)
        for _ in range(2):
            await provider.close()

    async def test_its_name_and_its_hosts_are_no_secret(self, make, sample):
        provider = make()
        assert provider.name
        for text in (provider.name, provider.host(sample)):
            assert text.isprintable()
            assert not any(secret in text for secret in self.secrets)

    async def test_its_class_is_found_by_its_schemes_and_describes_them(self, make):
        found = type(make())
        for scheme in found.schemes:
            assert provider_class(scheme) is found
            assert f"`{scheme}://" in found.__doc__
            if not found.passes_on:
                with pytest.raises(SetupError, match=r"unknown parameter: pigeons \(it takes "):
                    build_provider(f"{scheme}://x?pigeons=2", "sms", Tools())
        names = [one.name for one in found.parameters]
        assert len(set(names)) == len(names)
        assert all(one.about and one.form for one in found.parameters)


class HttpContract(ProviderContract):
    """The same for a service over HTTP: answers of `peer` come to the same outcomes whatever the service speaks."""

    @pytest.mark.parametrize(
        ("status", "headers", "body", "permanent", "wait"),
        [
            (429, {"Retry-After": "17"}, b"slow down", False, 17.0),
            (503, {"Retry-After": "Fri, 15 Jan 2027 08:01:00 GMT"}, b"", False, 60.0),
            (500, {}, b"boom", False, None),
            (408, {}, b"", False, None),
            (425, {}, b"", False, None),
            (400, {}, b"bad\x1b[31m" * 100, True, None),
            (422, {}, b"", True, None),
            *((code, {"Location": "/elsewhere"}, b"", False, None) for code in (300, 301, 302, 303, 307, 308)),
            (304, {}, b"", False, None),
        ],
    )
    async def test_a_refusal(self, make, peer, sample, status, headers, body, permanent, wait):
        peer.answers[:] = [(status, headers, body)]
        error = await failure(make(), sample)
        assert (error.permanent, error.retry_after, error.unregistered) == (permanent, wait, False)
        assert len(str(error)) < 400
        assert str(error).isprintable()
        assert not any(secret in str(error) + repr(error) for secret in self.secrets)
        assert not [path for _, path, _, _ in peer.requests if path == "/elsewhere"]

    async def test_no_answer(self, make, peer, sample):
        peer.answers[:] = [None]
        error = await failure(make(timeout=0.05), sample)
        assert (error.reason, error.permanent) == ("timeout", False)

    async def test_no_connection(self, make, peer, sample):
        await peer.stop()
        error = await failure(make(), sample)
        assert (error.reason, error.permanent) == ("connect", False)
