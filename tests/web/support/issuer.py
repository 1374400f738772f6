"""An issuer of tokens: keys of its own, and a server that shows the public ones."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.settings import Settings

DAY = 24 * 60 * 60
ISSUER, AUDIENCE = "https://id.example", "parley"

_TO_JWK: dict[str, Any] = {
    "RS256": RSAAlgorithm.to_jwk,
    "PS256": RSAAlgorithm.to_jwk,
    "ES256": ECAlgorithm.to_jwk,
    "EdDSA": OKPAlgorithm.to_jwk,
}


def new_key(algorithm: str, bits: int = 2048) -> Any:
    """A private key for tokens of that algorithm."""
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, bits)


class Issuer:
    """Signs with the key of the given id, and counts how often its key set was read."""

    def __init__(self, *kids: str, algorithm: str = "RS256", bits: int = 2048) -> None:
        self.algorithm = algorithm
        self.keys = {kid: new_key(algorithm, bits) for kid in kids}
        self.shown = list(kids)
        #: Whether the key set gives its keys an id.
        self.named = True
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

    def settings(self, **more: Any) -> Settings:
        """Settings of an edge that takes this issuer's tokens."""
        return Settings(**{"jwks": self.url, "issuer": ISSUER, "audience": AUDIENCE} | more)

    def key_set(self) -> dict[str, Any]:
        to_jwk = _TO_JWK[self.algorithm]
        public = {kid: to_jwk(self.keys[kid].public_key(), True) for kid in self.shown}
        names = {kid: {"kid": kid} if self.named else {} for kid in public}
        return {"keys": [{**key, **names[kid], "use": "sig"} for kid, key in public.items()]}

    def pem(self, kid: str) -> bytes:
        return bytes(
            self.keys[kid]
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def token(self, kid: str, *, named: str | None = "", typ: str = "JWT", **claims: Any) -> str:
        """A token signed with key `kid` that names the same, or another, or (None) no key."""
        given = {"sub": "alice", "exp": int(time.time()) + DAY, "iss": ISSUER, "aud": AUDIENCE}
        left = {name: value for name, value in (given | claims).items() if value is not None}
        headers = {"typ": typ} | ({} if named is None else {"kid": named or kid})
        return jwt.encode(left, self.keys[kid], algorithm=self.algorithm, headers=headers)

    async def _show(self, request: web.Request) -> web.Response:
        self.reads += 1
        return web.Response(status=self.status, body=json.dumps(self.key_set()).encode())
