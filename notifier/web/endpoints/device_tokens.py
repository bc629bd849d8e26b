"""`/api/v1/inbox/tokens`: tokens for a person's devices, each shown once."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from notifier.domain.checks import seconds_of
from notifier.domain.devices import MAX_DEVICES, MAX_NAME
from notifier.domain.devices import Device as KnownDevice
from notifier.domain.fields import Ttl, text
from notifier.domain.times import format_time
from notifier.domain.users import User, parse_user_key
from notifier.errors import ErrorCode, NotifierError
from notifier.service.devices import DeviceService
from notifier.web.endpoints.fields import ID, PERSON, TIME, Time, Uuid
from notifier.web.endpoints.own_inbox import PATH, PersonQuery, whose
from notifier.web.http.mount import Call
from notifier.web.http.route import OWN, Answer, Endpoints, Reply, delete, get, post

_OTHER = NotifierError(ErrorCode.FORBIDDEN, "this token is not for this user")


class DeviceRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """The token that is wanted."""

    name: text(1, MAX_NAME, "The device, for the list.")  # type: ignore[valid-type]
    ttl: Ttl | UnsetType = UNSET


class Device(Struct, kw_only=True):
    """A token without its secret."""

    id: Uuid
    name: str
    created_at: Time
    last_used: Annotated[Time | None, Meta(description="Its last use, to the minute; null before the first.")]
    expires_at: Annotated[Time | None, Meta(description="Its end; null where it ends by a year without use.")]


class NewDevice(Device, kw_only=True):
    """A token with its secret, which is shown this once."""

    token: Annotated[str, Meta(description="For `/ws`, and for ntfy's apps: `tk_` and 29 letters and digits.")]


class Devices(Struct):
    """The tokens of a user, oldest first."""

    tokens: list[Device]


_EXAMPLE = Device(id=ID, name="phone", created_at=TIME, last_used=None, expires_at=None)
_SHOWN = "tk_…"  # the form alone: this is nobody's token


class DeviceTokenEndpoints(Endpoints):
    """The routes of a person's tokens for devices."""

    tag, access = PERSON, OWN

    def __init__(self, devices: DeviceService) -> None:
        self._devices = devices

    @post(
        f"{PATH}/tokens",
        "Create a token for a device",
        description="It opens the user's inbox by `/ws` and by ntfy's subscriptions, for reading and marking, and "
        "nothing else: nothing is sent by it. Without `ttl` it ends by a year without use.",
        example=DeviceRequest(name="phone"),
        answers=(Answer(status=201, example=NewDevice(token=_SHOWN, **asdict(_EXAMPLE))),),
        failures=(
            _OTHER,
            NotifierError(ErrorCode.CONFLICT, f"there are {MAX_DEVICES} tokens of this user: revoke one first"),
        ),
    )
    async def create_device_token(self, call: Call, query: PersonQuery, body: DeviceRequest) -> Reply[NewDevice]:
        ttl = None if body.ttl is UNSET else seconds_of(body.ttl)
        made, token = await self._devices.create(_user(call, query), body.name, ttl)
        return Reply(NewDevice(token=token, **asdict(_shown(made))), {"Cache-Control": "no-store"})

    @get(
        f"{PATH}/tokens",
        "List the tokens for devices",
        answers=(Answer(example=Devices([_EXAMPLE])),),
        failures=(_OTHER,),
    )
    async def list_device_tokens(self, call: Call, query: PersonQuery) -> Devices:
        return Devices([_shown(device) for device in await self._devices.of(_user(call, query))])

    @delete(
        f"{PATH}/tokens/{{token_id}}",
        "Revoke a token for a device",
        description="What it holds open ends: on the instance that answers at once, on the others within five seconds.",
        answers=(Answer(status=204, description="It is revoked."),),
        failures=(_OTHER, NotifierError(ErrorCode.NOT_FOUND, "no such token of this user")),
    )
    async def revoke_device_token(
        self, call: Call, token_id: Annotated[str, Meta(description="The token's `id`.")], query: PersonQuery
    ) -> None:
        await self._devices.revoke(_user(call, query), token_id)


def _user(call: Call, query: PersonQuery) -> User:
    user = parse_user_key(whose(call, query))
    assert user is not None
    return user


def _shown(device: KnownDevice) -> Device:
    return Device(
        id=device.id,
        name=device.name,
        created_at=format_time(device.created_at),
        last_used=None if device.last_used is None else format_time(device.last_used),
        expires_at=None if device.expires_at is None else format_time(device.expires_at),
    )
