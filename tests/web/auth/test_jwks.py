from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from app.errors import Unreachable
from tests.web.auth.test_authenticator import asks
from tests.web.conftest import Serve
from tests.web.http.test_problem import problem
from tests.web.support.issuer import Issuer, new_key
from web.auth import jwks
from web.auth.jwks import KeySet


@pytest.fixture
async def key_set() -> AsyncIterator[Callable[..., KeySet]]:
    """Makes key sets, and ends their fetches after the test."""
    made: list[KeySet] = []

    def make(source: str, on_change: Callable[[], None] = lambda: None) -> KeySet:
        made.append(KeySet(source, on_change))
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer("one", "two") as running:
        running.shown = ["one"]
        yield running


async def test_invented_key_ids_cause_one_fetch_in_ten_seconds(
    key_set: Callable[..., KeySet], issuer: Issuer
) -> None:
    keys = key_set(issuer.url)
    found = await asyncio.gather(*(keys.keys("RS256", f"invented{number}") for number in range(50)))
    assert found == [[]] * 50
    assert issuer.reads == 1
    assert await keys.keys("RS256", "one")


async def test_a_new_key_is_found_once_the_pause_is_over(
    key_set: Callable[..., KeySet], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = key_set(issuer.url)
    assert not await keys.keys("RS256", "two")
    issuer.shown = ["one", "two"]
    assert not await keys.keys("RS256", "two")
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    assert await keys.keys("RS256", "two")


async def test_a_key_server_that_is_down_takes_no_known_key_away(
    key_set: Callable[..., KeySet], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = key_set(issuer.url)
    assert await keys.keys("RS256", "one")
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    monkeypatch.setattr(jwks, "FRESH", 0.0)
    issuer.status = 500
    with pytest.raises(Unreachable):
        await keys.keys("RS256", "two")
    assert await keys.keys("RS256", "one")


async def test_a_key_server_that_hangs_holds_up_nobody_whose_key_is_known(
    key_set: Callable[..., KeySet],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with Issuer("one") as issuer:
        keys = key_set(issuer.url)
        assert await keys.keys("RS256", "one")
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    keys._source = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    monkeypatch.setattr(jwks, "FRESH", 0.0)
    async with asyncio.timeout(1):
        assert await keys.keys("RS256", "one")
    server.close()


async def test_a_withdrawn_key_takes_its_tokens_along(
    serve: Serve, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await serve(issuer.settings())
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
    client = await serve(issuer.settings())
    for _ in range(2):
        answer = await asks(client, issuer.token("one"))
        await problem(answer, 503, "keys_unreachable")
        assert answer.headers["Retry-After"]
    assert issuer.reads == 1


async def test_a_file_holds_keys_too_and_only_keys_for_signing_count(
    key_set: Callable[..., KeySet], issuer: Issuer, tmp_path: Path
) -> None:
    (key,) = issuer.key_set()["keys"]
    others = [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {**key, "kid": "encrypts", "use": "enc"},
        {**key, "kid": "other", "alg": "RS512"},
        {**key, "kid": "signs alone", "key_ops": ["sign"]},
        {"kty": "RSA", "n": "!", "e": "AQAB", "kid": "broken"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "kid": "other curve"},
        {"kty": ["RSA"], "kid": "odd"},
        {"kty": "OKP", "crv": "Ed25519", "x": 7, "kid": "odd as well"},
    ]
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [*others, key]}))
    for source in (str(path), f"file://{path}"):
        keys = key_set(source)
        assert await keys.keys("RS256", "one")
        for other in others:
            assert not await keys.keys("RS256", other["kid"])


@pytest.mark.parametrize("content", [b"", b"{}", b'{"keys":[7]}', b"\xff", b"<html>"])
async def test_what_is_no_key_set_is_out_of_reach(
    key_set: Callable[..., KeySet], tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(content)
    keys = key_set(str(path))
    with pytest.raises(Unreachable):
        await keys.keys("RS256", "one")


async def test_an_rsa_key_of_less_than_2048_bits_does_not_count(serve: Serve) -> None:
    async with Issuer("one", bits=1024) as weak:
        client = await serve(weak.settings())
        await problem(await asks(client, weak.token("one")), 401, "token_signature")


async def test_a_withdrawn_key_is_told_of_though_nobody_asks(
    key_set: Callable[..., KeySet], issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert jwks.FRESH + jwks.PAUSE + jwks.TIMEOUT < 60
    monkeypatch.setattr(jwks, "FRESH", 0.02)
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    gone = asyncio.Event()
    keys = key_set(issuer.url, gone.set)
    (key,) = await keys.keys("RS256", "one")
    assert not keys.lacks(key.thumbprint)
    issuer.shown = ["two"]
    async with asyncio.timeout(10):
        await gone.wait()
    assert keys.lacks(key.thumbprint)
    assert not await keys.has(key.thumbprint)


async def test_a_key_that_changes_its_id_alone_is_the_same_key(
    key_set: Callable[..., KeySet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, issuer: Issuer
) -> None:
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    path = tmp_path / "jwks.json"
    (raw,) = issuer.key_set()["keys"]
    path.write_text(json.dumps({"keys": [raw]}))
    keys = key_set(str(path))
    (key,) = await keys.keys("RS256", "one")
    path.write_text(json.dumps({"keys": [{**raw, "kid": "renamed"}]}))
    assert (await keys.keys("RS256", "renamed"))[0].thumbprint == key.thumbprint
    assert not keys.lacks(key.thumbprint)


async def test_a_key_set_without_ids_is_searched_for_the_key(
    serve: Serve, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.named, issuer.shown = False, ["one", "two"]
    client = await serve(issuer.settings())
    for kid in ("one", "two"):
        for named in (None, "any"):
            assert (await asks(client, issuer.token(kid, named=named))).status == 200
    issuer.keys["three"] = new_key("RS256")
    token = issuer.token("three", named=None)
    await problem(await asks(client, token), 401, "token_signature")
    issuer.shown = ["three"]
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    assert (await asks(client, token)).status == 200


async def test_the_keys_of_an_address_with_a_password_fail_without_showing_it(
    key_set: Callable[..., KeySet],
) -> None:
    keys = key_set("http://me:hunter2@127.0.0.1:1/jwks.json")
    with pytest.raises(Unreachable) as raised:
        await keys.keys("RS256", "one")
    assert "hunter2" not in str(raised.value)
