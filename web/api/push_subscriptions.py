"""Push subscriptions: the browsers and devices on which the caller is called when absent."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import msgspec
from aiohttp import web

from app.domain.shown_text import flaw as text_flaw
from app.errors import Malformed
from app.events import PushSubscription
from app.push.web_push import SenderKey, browser_keys
from app.runtime.clock import now_ms
from app.runtime.outside_addresses import OutsideAddresses
from web.api.callers import authenticate
from web.api.notify import remove, write
from web.api.services import NOTIFY, SETTINGS
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import read_body

_PATH: Final = "/v1/push/subscriptions"

#: The most subscriptions of a user; with a new one the oldest is removed.
_MOST: Final = 20

_NAME: Final = 80
_DEVICE: Final = 500


class BrowserKeys(msgspec.Struct):
    """The keys of a browser."""

    p256dh: str
    auth: str


class NewPushSubscription(
    msgspec.Struct, forbid_unknown_fields=True, rename={"expires": "expirationTime"}
):
    """Body of `POST /v1/push/subscriptions`: what `PushSubscription.toJSON()` gives, or a device.

    `device` is what the operator's gateway knows the device by.
    """

    endpoint: str = ""
    keys: BrowserKeys | None = None
    device: str = ""
    name: str = ""
    expires: float | None = None


class PushSubscriptionShown(msgspec.Struct, omit_defaults=True):
    """A browser or a device on which the caller is called."""

    id: str
    at_ms: int
    endpoint: str = ""
    device: str = ""
    name: str = ""


class PushSubscriptionsShown(msgspec.Struct):
    """The caller's, and the key with which a browser subscribes; without it none can."""

    public_key: str
    gateway: bool
    subscriptions: list[PushSubscriptionShown]


@described(Operation({200: PushSubscriptionsShown}))
async def page(request: web.Request) -> web.Response:
    """`GET /v1/push/subscriptions`: the caller's, and the key with which a browser subscribes."""
    identity = await authenticate(request)
    settings = request.app[SETTINGS]
    known = request.app[NOTIFY].subscriptions(identity.user).values()
    shown = [_shown(one) for one in sorted(known, key=lambda one: one.at_ms)]
    key = SenderKey(settings.push_key).public if settings.push_key else ""
    return json({"public_key": key, "gateway": bool(settings.push_gateway), "subscriptions": shown})


@described(
    Operation(
        {201: PushSubscriptionShown},
        body=NewPushSubscription,
        example={"device": "phone-1", "name": "Phone"},
        codes=("push_off",),
    )
)
async def create(request: web.Request) -> web.Response:
    """`POST /v1/push/subscriptions`: call the caller there; 201, also where it is there already.

    A browser belongs to the last user who subscribed with it.
    """
    identity = await authenticate(request)
    wanted = await read_body(request, NewPushSubscription)
    place = _checked(request, wanted)
    name = blake2b(place.encode(), digest_size=12).hexdigest()
    made = PushSubscription(
        user=identity.user,
        id=name,
        at_ms=now_ms(),
        endpoint=wanted.endpoint,
        p256dh="" if wanted.keys is None else wanted.keys.p256dh,
        auth="" if wanted.keys is None else wanted.keys.auth,
        device=wanted.device,
        name=wanted.name,
    )
    directory = request.app[NOTIFY]
    former = directory.owner(name)
    if wanted.endpoint and former and former != identity.user:
        await remove(request, directory.subscriptions(former)[name])
    known = directory.subscriptions(identity.user)
    if name not in known and len(known) >= _MOST:
        await remove(request, min(known.values(), key=lambda one: one.at_ms))
    await write(request, made)
    return json(_shown(made), 201)


@described(Operation({204: None}))
async def delete(request: web.Request) -> web.Response:
    """`DELETE /v1/push/subscriptions/{subscription}`: call the caller there no more; 204."""
    identity = await authenticate(request)
    known = request.app[NOTIFY].subscriptions(identity.user)
    found = known.get(request.match_info["subscription"])
    if found is None:
        raise Problem("subscription_unknown", "you have no push subscription of this id")
    await remove(request, found)
    return web.Response(status=204)


def _checked(request: web.Request, wanted: NewPushSubscription) -> str:
    """What names the place that is to be called; raises `Problem` where there can be none."""
    settings = request.app[SETTINGS]
    if (wrong := text_flaw(wanted.name, "a subscription's name", _NAME)) is not None:
        raise Problem("field_value", wrong, field="name")
    if bool(wanted.endpoint) == bool(wanted.device):
        detail = "give the endpoint and keys of a browser, or a device"
        raise Problem("field_value", detail, field="endpoint")
    if wanted.device:
        if not settings.push_gateway:
            raise Problem("push_off", "this deployment has no gateway for devices")
        if (wrong := text_flaw(wanted.device, "a device", _DEVICE)) is not None:
            raise Problem("field_value", wrong, field="device")
        return f"device {wanted.device}"
    if not settings.push_key:
        raise Problem("push_off", "this deployment calls no browsers")
    if (wrong := OutsideAddresses(settings.webhook_hosts).flaw(wanted.endpoint)) is not None:
        raise Problem("field_value", wrong, field="endpoint")
    if wanted.keys is None:
        raise Problem("field_missing", "a browser has keys", field="keys")
    try:
        browser_keys(wanted.keys.p256dh, wanted.keys.auth)
    except Malformed as error:
        raise Problem("field_value", str(error), field="keys") from None
    return wanted.endpoint


def _shown(one: PushSubscription) -> dict[str, Any]:
    """A subscription as its owner sees it: without its keys."""
    fields = {name: getattr(one, name) for name in ("id", "at_ms", "endpoint", "device", "name")}
    return {name: value for name, value in fields.items() if value != ""}


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_get(_PATH, page)
    app.router.add_post(_PATH, create)
    app.router.add_delete(_PATH + "/{subscription}", delete)
