"""An issuer of RS256 tokens: keys of its own, and a server that shows the public ones."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

DAY = 24 * 60 * 60


class Issuer:
    """Signs with the key of the given id, and counts how often its key set was read."""

    def __init__(self, *kids: str) -> None:
        self.keys = {kid: rsa.generate_private_key(65537, 2048) for kid in kids}
        self.shown = list(kids)
        self.status = 200
        self.reads = 0
        app = web.Application()
        app.router.add_get("/jwks.json", self._show)
        self._server = TestServer(app)

    async def __aenter__(self) -> Issuer:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("/jwks.json"))

    def key_set(self) -> dict[str, Any]:
        public = {kid: RSAAlgorithm.to_jwk(self.keys[kid].public_key(), True) for kid in self.shown}
        return {"keys": [{**key, "kid": kid, "use": "sig"} for kid, key in public.items()]}

    def pem(self, kid: str) -> bytes:
        return (
            self.keys[kid]
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def token(self, kid: str, *, named: str | None = "", **claims: Any) -> str:
        """A token signed with key `kid` that names the same, or another, or (None) no key."""
        given = {"sub": "alice", "exp": int(time.time()) + DAY, **claims}
        headers = {} if named is None else {"kid": named or kid}
        return jwt.encode(given, self.keys[kid], algorithm="RS256", headers=headers)

    async def _show(self, request: web.Request) -> web.Response:
        self.reads += 1
        return web.Response(status=self.status, body=json.dumps(self.key_set()).encode())
