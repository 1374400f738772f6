"""Where calls go: to browsers at their push services, and to a gateway of the operator's."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from app.domain.push.calls import KEPT_MS, Call
from app.errors import Malformed
from app.events import PushSubscription
from app.push.notification import Notification
from app.push.push_requests import Outcome, PushRequests
from app.push.web_push import PAYLOAD_BYTES, SenderKey, browser_keys, encrypted
from app.runtime.clock import now_ms
from app.runtime.derived_keys import KeyRing
from app.runtime.outside_addresses import OutsideAddresses
from app.runtime.webhook_signature import PUSH, signed_headers
from app.settings import Settings

_encode: Final = msgspec.json.Encoder().encode


class GatewayRequest(Struct, frozen=True, kw_only=True):
    """Body of a request to the gateway: a user, the user's devices, and what to show there.

    `collapse_key` is the same for all notifications of a room: a later one replaces it.
    """

    id: str
    user: str
    devices: Sequence[str]
    collapse_key: str
    urgent: bool
    notification: Notification


class GatewayAnswer(Struct, frozen=True):
    """The gateway's answer; it may be empty. `gone` are the devices that are no more."""

    gone: tuple[str, ...] = ()


class Targets:
    """Sends notifications; `browsers` and `gateway` say which of the two are set up."""

    def __init__(self, settings: Settings) -> None:
        addresses = OutsideAddresses(settings.webhook_hosts)
        self._web = PushRequests(addresses)
        self._operators = PushRequests(None)
        self._key = (
            SenderKey(settings.push_key, settings.push_contact) if settings.push_key else None
        )
        self._gateway = settings.push_gateway
        self._ring = KeyRing(settings.secret, settings.secret_other)

    async def close(self) -> None:
        """Close the connections."""
        await self._web.close()
        await self._operators.close()

    def reaches(self, subscription: PushSubscription) -> bool:
        """Whether this deployment can call there."""
        return bool(self._gateway) if subscription.device else self._key is not None

    async def to_browser(
        self, subscription: PushSubscription, call: Call, shown: Notification
    ) -> Outcome:
        """Send a notification to a browser."""
        assert self._key is not None
        try:
            keys = browser_keys(subscription.p256dh, subscription.auth)
        except Malformed as error:
            return Outcome(str(error), gone=True)
        endpoint, at = subscription.endpoint, int(time.time())
        headers = {
            "Authorization": self._key.authorization(endpoint, at),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(max(0, (call.at_ms + KEPT_MS - now_ms()) // 1000)),
            "Urgency": "high" if shown.direct or shown.mentioned else "normal",
            "Topic": collapse_key(shown.room),
        }
        parts = urlsplit(endpoint)
        body = encrypted(payload(shown), keys)
        return await self._web.post(endpoint, f"{parts.scheme}://{parts.netloc}", headers, body)

    async def to_gateway(
        self, user: str, devices: Sequence[str], call: Call, shown: Notification
    ) -> tuple[Outcome, Sequence[str]]:
        """Send a notification to the gateway; with the devices that it says are gone."""
        name = f"push_{call.epoch}-{call.pos}-{collapse_key(shown.room + '/' + user)}"
        body = _encode(
            GatewayRequest(
                id=name,
                user=user,
                devices=devices,
                collapse_key=collapse_key(shown.room),
                urgent=shown.direct or shown.mentioned,
                notification=shown,
            )
        )
        headers = signed_headers(self._ring, PUSH, self._gateway, name, int(time.time()), body)
        outcome = await self._operators.post(self._gateway, self._gateway, headers, body)
        if outcome.gone:  # of the gateway itself, and of no device
            outcome = outcome._replace(gone=False)
        return outcome, () if outcome.why else _gone(outcome.answer)


def _gone(answer: bytes) -> Sequence[str]:
    try:
        return msgspec.json.decode(answer, type=GatewayAnswer).gone if answer else ()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()


def payload(shown: Notification) -> bytes:
    """The notification as JSON, with as much of its text as fits."""
    body = _encode(shown)
    while len(body) > PAYLOAD_BYTES and shown.text:
        shown = replace(shown, text=shown.text[: len(shown.text) // 2])
        body = _encode(shown)
    return body


def collapse_key(text: str) -> str:
    """32 characters of base64url (RFC 8030, 5.4) from which nobody can tell the room."""
    return urlsafe_b64encode(blake2b(text.encode(), digest_size=24).digest()).decode()
