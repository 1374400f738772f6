from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.errors import Unreachable
from app.settings import Settings
from tests.web.auth.test_authenticator import asks
from tests.web.conftest import Serve
from tests.web.http.test_problem import problem
from tests.web.support.issuer import Issuer
from web.auth import jwks
from web.auth.jwks import KeySet


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer("one", "two") as running:
        running.shown = ["one"]
        yield running


async def test_invented_key_ids_cause_one_fetch_in_ten_seconds(issuer: Issuer) -> None:
    keys = KeySet(issuer.url)
    found = await asyncio.gather(*(keys.key(f"invented{number}") for number in range(50)))
    assert found == [None] * 50
    assert issuer.reads == 1
    assert await keys.key("one") is not None


async def test_a_new_key_is_found_once_the_pause_is_over(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = KeySet(issuer.url)
    assert await keys.key("two") is None
    issuer.shown = ["one", "two"]
    assert await keys.key("two") is None
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    assert await keys.key("two") is not None


async def test_a_key_server_that_is_down_takes_no_known_key_away(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = KeySet(issuer.url)
    assert await keys.key("one") is not None
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    monkeypatch.setattr(jwks, "FRESH", 0.0)
    issuer.status = 500
    with pytest.raises(Unreachable):
        await keys.key("two")
    assert await keys.key("one") is not None
    await keys.close()


async def test_a_key_server_that_hangs_holds_up_nobody_whose_key_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with Issuer("one") as issuer:
        keys = KeySet(issuer.url)
        assert await keys.key("one") is not None
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    keys._source = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    monkeypatch.setattr(jwks, "FRESH", 0.0)
    async with asyncio.timeout(1):
        assert await keys.key("one") is not None
    await keys.close()
    server.close()


async def test_a_withdrawn_key_takes_its_tokens_along(
    serve: Serve, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await serve(Settings(jwks=issuer.url))
    token = issuer.token("one")
    assert (await asks(client, token)).status == 200
    issuer.shown = ["two"]
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    assert (await asks(client, issuer.token("two"))).status == 200
    await problem(await asks(client, token), 401, "token_signature")


async def test_keys_out_of_reach_are_our_trouble_not_the_token_s(
    serve: Serve, issuer: Issuer
) -> None:
    issuer.status = 500
    client = await serve(Settings(jwks=issuer.url))
    for _ in range(2):
        answer = await asks(client, issuer.token("one"))
        await problem(answer, 503, "keys_unreachable")
        assert answer.headers["Retry-After"]
    assert issuer.reads == 1


async def test_a_file_holds_keys_too_and_only_rsa_keys_for_signing_count(
    issuer: Issuer, tmp_path: Path
) -> None:
    (key,) = issuer.key_set()["keys"]
    others = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {**key, "kid": "encrypts", "use": "enc"},
        {**key, "kid": "other", "alg": "RS512"},
        {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "broken"},
    ]
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [*others, key]}))
    for source in (str(path), f"file://{path}"):
        keys = KeySet(source)
        assert await keys.key("one") is not None
        for other in others:
            assert await keys.key(other["kid"]) is None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"keys":[7]}', b"\xff", b"<html>"])
async def test_what_is_no_key_set_is_out_of_reach(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(content)
    with pytest.raises(Unreachable):
        await KeySet(str(path)).key("one")
