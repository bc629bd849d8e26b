"""The channel `inapp`: deliveries that end in the inbox."""

import uuid

import pytest

from notifier.delivery.inapp import Inapp
from notifier.errors import ErrorCode, NotifierError
from notifier.providers.base import Message
from tests.delivery.client import create, ended
from tests.providers.contract import ProviderContract, failure
from tests.support import Inbox


@pytest.fixture
def message():
    def build(to="1-alice"):
        identity = str(uuid.uuid4())
        return Message(identity, identity, "inapp", to, "T", "hi", {}, "low")

    return build


class TestContract(ProviderContract):
    @pytest.fixture
    def make(self):
        async def publish(identity, user, message):
            assert user.key == "1-alice"

        return lambda: Inapp(publish)


async def test_inapp_ends_in_the_inbox(pod):
    client = await pod()
    inbox = await Inbox.open(client)
    identity = await create(client, "inapp", "1-alice", subject="T", data={"a": 1}, priority="low")
    push = await inbox.receive("notification.push")
    assert (push["notification_id"], push["message"], push["title"]) == (identity, "hi", "T")
    assert (push["data"], push["priority"]) == ({"a": 1}, "low")
    assert (await ended(client, identity))["provider"] == "inbox"


@pytest.mark.parametrize(("code", "permanent"), [(ErrorCode.UNAVAILABLE, False), (ErrorCode.INVALID, True)])
async def test_an_error_of_the_inbox_is_one_of_the_delivery(message, code, permanent):
    async def publish(*_):
        raise NotifierError(code, "no")

    error = await failure(Inapp(publish), message())
    assert (error.reason, error.permanent) == (code, permanent)


async def test_a_recipient_that_is_no_user(message):
    error = await failure(Inapp(None), message("alice"))
    assert (error.reason, error.permanent) == ("no_address", True)
