"""A push service of the tests' own, which decrypts what it is sent as a browser would."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import http_ece
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.served import Served


class Browser:
    """A browser with its keys; `got` are the payloads that it decrypted, in order."""

    def __init__(self, service: PushService | None = None) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        self.name = uuid4().hex
        self.got: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        #: What the service answers to a request for it.
        self.answers: Callable[[], int] = lambda: 201
        self._service = service

    @property
    def keys(self) -> tuple[str, str]:
        """The public key and the secret, in base64url."""
        point = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        return _encoded(point), _encoded(self.auth)

    @property
    def subscription(self) -> dict[str, Any]:
        """What `PushSubscription.toJSON()` gives."""
        assert self._service is not None
        p256dh, auth = self.keys
        return {
            "endpoint": f"{self._service.url}/{self.name}",
            "expirationTime": None,
            "keys": {"p256dh": p256dh, "auth": auth},
        }

    def texts(self, room: str) -> list[str]:
        """The texts that it was shown of a room."""
        return [one.get("text", "") for one in self.got if one["room"] == room]


class PushService(Served):
    """Takes requests for its browsers, and refuses what is not signed and encrypted rightly."""

    def __init__(self) -> None:
        super().__init__("/push/{browser}", self._take)
        self.browsers: dict[str, Browser] = {}
        self.requests = 0
        #: The flaws of requests.
        self.wrong: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.root}/push"

    def browser(self) -> Browser:
        """A new browser."""
        browser = Browser(self)
        self.browsers[browser.name] = browser
        return browser

    async def _take(self, request: web.Request) -> web.Response:
        self.requests += 1
        body = await request.read()
        browser = self.browsers.get(request.match_info["browser"])
        if browser is None:
            return web.Response(status=410)
        try:
            _verify(request.headers["Authorization"], self.url)
            assert request.headers["Content-Encoding"] == "aes128gcm"
            assert int(request.headers["TTL"]) > 0
            assert len(body) <= 4096
            payload = http_ece.decrypt(
                body, private_key=browser.private, auth_secret=browser.auth, version="aes128gcm"
            )
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.wrong.append(repr(error))
            return web.Response(status=400, text=repr(error))
        if (status := browser.answers()) < 300:
            browser.got.append(json.loads(payload))
            browser.headers.append(dict(request.headers))
        return web.Response(status=status)


def _verify(header: str, url: str) -> None:
    token, public = header.removeprefix("vapid t=").split(", k=")
    raw = urlsafe_b64decode(public + "=" * (-len(public) % 4))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    jwt.decode(token, key, algorithms=["ES256"], audience=url.removesuffix("/push"))


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
