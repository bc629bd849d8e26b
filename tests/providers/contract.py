"""What every provider over HTTP has to withstand, whatever it speaks."""

import pytest

from notifier.providers.base import ProviderError


async def failure(provider, message):
    """The error of a send that has to fail."""
    with pytest.raises(ProviderError) as raised:
        await provider.send(message)
    return raised.value


async def check_contract(provider, peer, message, secrets, quick):
    """`quick` builds the same provider with a short timeout."""
    await check_refusals(provider, peer, message, secrets)
    peer.answers[:] = [None]
    error = await failure(quick(), message)
    assert (error.reason, error.permanent) == ("timeout", False)
    await peer.stop()
    error = await failure(provider, message)
    assert (error.reason, error.permanent) == ("connect", False)


async def check_refusals(provider, peer, message, secrets):
    assert not any(secret in f"{provider.name}{vars(provider).get('name')}" for secret in secrets)
    cases = [
        ((429, {"Retry-After": "17"}, b"slow down"), False, 17.0),
        ((503, {"Retry-After": "Fri, 15 Jan 2027 08:01:00 GMT"}, b""), False, 60.0),
        ((500, {}, b"boom"), False, None),
        ((408, {}, b""), False, None),
        ((425, {}, b""), False, None),
        ((400, {}, "".join(secrets).encode() * 0 + b"bad\x1b[31m"), True, None),
        ((422, {}, b""), True, None),
        *(((code, {"Location": f"{peer.url}/elsewhere"}, b""), False, None) for code in (300, 301, 302, 303, 307, 308)),
        ((304, {}, b""), False, None),
    ]
    for answer, permanent, wait in cases:
        peer.answers[:] = [answer]
        error = await failure(provider, message)
        assert (error.permanent, error.retry_after) == (permanent, wait), answer
        assert not error.unregistered
        assert len(str(error)) < 400
        assert str(error).isprintable()
        assert not any(secret in str(error) + repr(error) for secret in secrets)
    assert not [path for _, path, _, _ in peer.requests if path == "/elsewhere"]
