"""The contract's own parts: what an error says, and what a provider has when it says nothing."""

from notifier.providers.base import MAX_ERROR, Message, Provider, ProviderError


class Least(Provider):
    """A provider with nothing but a send."""

    async def send(self, message):
        return ""


def test_an_error_is_a_word_and_a_shortened_text():
    assert str(ProviderError("connect")) == "connect"
    assert str(ProviderError("rejected", "400 no")) == "rejected: 400 no"
    assert len(str(ProviderError("rejected", "x" * 5000))) == MAX_ERROR + len("rejected: ")


def test_an_error_says_nothing_that_it_was_not_told():
    error = ProviderError("connect")
    assert not (error.permanent or error.unregistered or error.about_recipient or error.unable)
    assert (error.retry_after, error.gone_at) == (None, None)


async def test_a_provider_needs_nothing_but_a_send():
    provider = Least("least")
    message = Message("i", "k", "sms", "+1", "", "hi", {}, "low")
    assert (provider.schemes, provider.parameters, provider.host(message)) == ((), (), "")
    assert await provider.send(message) == ""
    await provider.check()
    await provider.close()
