from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import warnings
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from jwt.warnings import InsecureKeyLengthWarning

from app.settings import Settings
from tests.conftest import SECRET
from tests.web.conftest import Client, Serve
from tests.web.http.test_problem import problem
from tests.web.support.issuer import Issuer
from web.auth.jwt_rules import LEEWAY
from web.auth.token_cache import Identity, TokenCache

#: Tokens are signed when the tests are collected, and a whole run takes minutes.
DAY = 24 * 60 * 60


def signed(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    given = {"sub": "alice", "exp": int(time.time()) + DAY, **claims}
    left = {name: value for name, value in given.items() if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)
        return jwt.encode(left, secret, algorithm=algorithm)


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def by_hand(header: dict[str, Any], claims: bytes, key: bytes) -> str:
    """A token that no library would sign."""
    text = f"{part(json.dumps(header).encode())}.{part(claims)}"
    return f"{text}.{part(hmac.digest(key, text.encode(), hashlib.sha256))}"


async def asks(client: Client, token: str, path: str = "/whoami") -> Any:
    return await client.get(path, headers={"Authorization": f"Bearer {token}"})


async def test_a_token_says_who_asks(client: Client) -> None:
    for _ in range(2):
        answer = await asks(client, signed(sub="小明"))
        assert await answer.json() == {"user": "小明"}


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "token_missing"),
        ("", "token_missing"),
        ("Basic YTpi", "token_missing"),
        ("Bearer", "token_malformed"),
        ("Bearer a b", "token_malformed"),
        ("Bearer nonsense", "token_malformed"),
        ("Bearer a.b.c", "token_malformed"),
        ("Bearer " + part(b"[" * 5000) + ".e30.e30", "token_malformed"),
        ("Bearer " + part(b'{"alg":"HS256","kid":7}') + ".e30.e30", "token_malformed"),
        ("Bearer \xff", "token_malformed"),
    ],
)
async def test_what_is_no_token_is_told_so(client: Client, header: str | None, code: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await client.get("/whoami", headers=headers)
    await problem(answer, 401, code)
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="parley"')


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (signed(secret="another secret, long enough for it"), "token_signature"),
        (signed(algorithm="HS512"), "token_signature"),
        (signed()[:-4] + "AAAA", "token_signature"),
        (by_hand({"alg": "none"}, b'{"sub":"alice","exp":9999999999}', b""), "token_signature"),
        (part(b'{"alg":"none"}') + "." + part(b'{"sub":"alice"}') + ".", "token_signature"),
        (signed(exp=int(time.time()) - LEEWAY - 1), "token_expired"),
        (signed(exp=None), "token_claims"),
        (signed(sub=None), "token_claims"),
        (signed(sub="a/b"), "token_claims"),
        (signed(sub=""), "token_claims"),
        (signed(nbf=int(time.time()) + DAY), "token_claims"),
        (by_hand({"alg": "HS256"}, b'{"sub":7,"exp":9999999999}', SECRET.encode()), "token_claims"),
        (by_hand({"alg": "HS256"}, b'{"sub":"a","exp":"soon"}', SECRET.encode()), "token_claims"),
        (by_hand({"alg": "HS256"}, b'{"sub":"a","exp":1e999}', SECRET.encode()), "token_claims"),
        (by_hand({"alg": "HS256"}, b"[]", SECRET.encode()), "token_claims"),
        (signed(aud="parley.stream"), "ticket_misused"),
        (signed(aud=["parley.stream", "x"]), "ticket_misused"),
    ],
)
async def test_a_token_that_does_not_count_is_told_why(
    client: Client, token: str, code: str
) -> None:
    for _ in range(2):
        await problem(await asks(client, token), 401, code)


async def test_clocks_may_differ_by_a_few_seconds(client: Client) -> None:
    token = signed(exp=int(time.time()) - LEEWAY + 5)
    assert (await asks(client, token)).status == 200


def test_an_identity_is_forgotten_when_its_token_ends_and_the_unused_goes_first() -> None:
    verified = TokenCache(size=2)
    for token in ("a", "b"):
        verified.put(token, Identity(token, time.time() + 60), time.time() + 60)
    assert verified.get("a") is not None
    verified.put("c", Identity("c", 0.0), time.time() - 1)
    assert verified.get("b") is None
    assert verified.get("c") is None
    assert verified.get("a") is not None
    assert len(verified) == 1


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer("one", "two") as running:
        yield running


async def test_tokens_of_an_issuer_are_taken_beside_our_own(serve: Serve, issuer: Issuer) -> None:
    client = await serve(Settings(secret=SECRET, jwks=issuer.url))
    for token in (issuer.token("one"), issuer.token("two"), signed()):
        assert (await asks(client, token)).status == 200
    assert issuer.reads == 1


async def test_a_public_key_is_no_secret(serve: Serve, issuer: Issuer) -> None:
    client = await serve(Settings(secret=SECRET, jwks=issuer.url))
    for header in ({"alg": "HS256", "kid": "one"}, {"alg": "HS256"}):
        forged = by_hand(header, b'{"sub":"alice","exp":9999999999}', issuer.pem("one"))
        await problem(await asks(client, forged), 401, "token_signature")


async def test_a_key_answers_for_its_own_tokens_alone(serve: Serve, issuer: Issuer) -> None:
    client = await serve(Settings(jwks=issuer.url))
    for token in (
        issuer.token("one", named="two"),
        issuer.token("one", named="three"),
        issuer.token("one", named=None),
        signed(),
    ):
        await problem(await asks(client, token), 401, "token_signature")


async def test_issuer_and_audience_are_checked_where_set(serve: Serve, issuer: Issuer) -> None:
    settings = Settings(jwks=issuer.url, issuer="https://id.example", audience="parley")
    client = await serve(settings)
    right = {"iss": "https://id.example", "aud": "parley"}
    assert (await asks(client, issuer.token("one", **right))).status == 200
    for wrong in ({}, {**right, "iss": "https://evil.example"}, {**right, "aud": "shop"}):
        await problem(await asks(client, issuer.token("one", **wrong)), 401, "token_claims")
    assert (
        await asks(await serve(Settings(jwks=issuer.url)), issuer.token("one", aud="x"))
    ).status == 200
