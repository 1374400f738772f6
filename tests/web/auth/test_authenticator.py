from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import warnings
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import jwt
import pytest
from jwt.warnings import InsecureKeyLengthWarning

from app.domain.sanctions import Sanction
from app.runtime.dev_tokens import mint
from app.settings import Settings
from tests.conftest import SECRET
from tests.web.conftest import Client, Serve
from tests.web.http.test_problem import problem
from tests.web.support.issuer import Issuer, new_key
from tests.web.support.revoked import Revoked
from web.auth import jwks
from web.auth.authenticator import Authenticator
from web.auth.jwt_rules import LEEWAY
from web.auth.tickets import sign_ticket
from web.auth.token_cache import Identity, TokenCache
from web.http.problem import Problem

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


async def made(client: Client, token: str) -> str:
    """A stream ticket for the bearer of a token."""
    answer = await client.post("/v1/stream-tickets", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    body = await answer.json()
    assert 0 <= body["expires_in"] <= 600
    return str(body["ticket"])


async def test_a_token_says_who_asks(client: Client) -> None:
    for _ in range(2):
        answer = await asks(client, signed(sub="小明"))
        assert await answer.json() == {"user": "小明", "admin": False}


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
        ("Bearer " + part(b'{"alg":"HS256","kid":["x"]}') + ".e30.e30", "token_malformed"),
        ("Bearer " + part(b'{"alg":"RS256","typ":["x"]}') + ".e30.e30", "token_signature"),
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
    client = await serve(issuer.settings(secret=SECRET, hs256="on"))
    for token in (issuer.token("one"), issuer.token("two"), signed()):
        assert (await asks(client, token)).status == 200
    assert issuer.reads == 1


async def test_a_public_key_is_no_secret(serve: Serve, issuer: Issuer) -> None:
    client = await serve(issuer.settings(secret=SECRET, hs256="on"))
    for header in ({"alg": "HS256", "kid": "one"}, {"alg": "HS256"}):
        forged = by_hand(header, b'{"sub":"alice","exp":9999999999}', issuer.pem("one"))
        await problem(await asks(client, forged), 401, "token_signature")


async def test_a_key_answers_for_its_own_tokens_alone(serve: Serve, issuer: Issuer) -> None:
    client = await serve(issuer.settings())
    for token in (
        issuer.token("one", named="two"),
        issuer.token("one", named="three"),
        issuer.token("one", named=None),
        signed(),
    ):
        await problem(await asks(client, token), 401, "token_signature")


@pytest.mark.parametrize("hs256", ["unless_jwks", "off"])
async def test_beside_a_key_set_a_token_of_the_secret_counts_where_asked_for(
    serve: Serve, issuer: Issuer, hs256: str
) -> None:
    client = await serve(issuer.settings(secret=SECRET, hs256=hs256))
    await problem(await asks(client, signed()), 401, "token_signature")
    # The secret signs tickets still.
    assert await made(client, issuer.token("one"))


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_an_issuer_signs_by_one_of_four_algorithms(serve: Serve, algorithm: str) -> None:
    async with Issuer("one", "two", algorithm=algorithm) as issuer:
        client = await serve(issuer.settings())
        assert (await asks(client, issuer.token("one"))).status == 200
        issuer.keys["three"] = new_key(algorithm)
        for forged in (issuer.token("three", named="one"), issuer.token("two", named="one")):
            await problem(await asks(client, forged), 401, "token_signature")


async def test_a_key_checks_the_algorithm_that_it_is_for(
    serve: Serve, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_set = issuer.key_set
    client = await serve(issuer.settings())
    assert (await asks(client, issuer.token("one"))).status == 200
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    issuer.key_set = lambda: {"keys": [{**one, "alg": "PS256"} for one in key_set()["keys"]]}  # type: ignore[method-assign]
    assert (await asks(client, issuer.token("one", named="unknown"))).status == 401
    await problem(await asks(client, issuer.token("one")), 401, "token_signature")
    issuer.algorithm = "PS256"
    assert (await asks(client, issuer.token("one"))).status == 200
    for algorithm in ("RS384", "RS512", "PS512"):
        issuer.algorithm = algorithm
        await problem(await asks(client, issuer.token("one")), 401, "token_signature")


async def test_a_token_for_another_service_or_of_another_issuer_does_not_count(
    serve: Serve, issuer: Issuer
) -> None:
    client = await serve(issuer.settings())
    for right in ({}, {"aud": ["shop", "parley"]}):
        assert (await asks(client, issuer.token("one", **right))).status == 200
    wrong: list[dict[str, Any]] = [
        *({"iss": None}, {"iss": "https://evil.example"}, {"iss": "https://id.example/"}),
        *({"aud": None}, {"aud": "shop"}, {"aud": []}, {"aud": ["shop"]}, {"aud": "Parley"}),
    ]
    for claims in wrong:
        await problem(await asks(client, issuer.token("one", **claims)), 401, "token_claims")


@pytest.mark.parametrize("lacking", ["issuer", "audience"])
async def test_an_edge_that_does_not_know_which_tokens_are_its_own_takes_none(
    serve: Serve, issuer: Issuer, lacking: str
) -> None:
    client = await serve(issuer.settings(**{lacking: ""}))
    claim = {"issuer": "iss", "audience": "aud"}[lacking]
    for claims in ({}, {claim: ""}, {claim: None}):
        await problem(await asks(client, issuer.token("one", **claims)), 401, "token_claims")


@pytest.mark.parametrize(
    ("token_type", "takes", "refuses"),
    [
        ("", ["JWT", "at+jwt", "application/at+jwt", "jwt", ""], ["dpop+jwt", "logout+jwt"]),
        ("at+jwt", ["at+jwt", "application/at+jwt", "AT+JWT"], ["JWT", "", "id+jwt"]),
    ],
)
async def test_a_token_of_another_type_is_for_another_use(
    serve: Serve, issuer: Issuer, token_type: str, takes: list[str], refuses: list[str]
) -> None:
    client = await serve(issuer.settings(token_type=token_type))
    for typ in takes:
        assert (await asks(client, issuer.token("one", typ=typ))).status == 200
    for typ in refuses:
        await problem(await asks(client, issuer.token("one", typ=typ)), 401, "token_claims")


async def test_when_a_token_was_issued_informs_and_is_no_limit(
    serve: Serve, issuer: Issuer
) -> None:
    client = await serve(issuer.settings(secret=SECRET, hs256="on"))
    for ahead in (5, 3600, 10 * DAY):
        later = int(time.time()) + ahead
        for token in (issuer.token("one", iat=later), signed(iat=later)):
            assert (await asks(client, token)).status == 200


async def test_the_setting_names_the_claim_of_an_admin(serve: Serve, issuer: Issuer) -> None:
    settings = issuer.settings(admin_claim="roles=chat-admin", secret=SECRET, hs256="on")
    client = await serve(settings)
    admins = [issuer.token("one", roles=["chat-admin"]), mint(settings, "alice", admin=True)]
    for token in (*admins, issuer.token("one", parley_admin=True), issuer.token("one")):
        answer = await (await asks(client, token)).json()
        assert answer["admin"] is (token in admins)


OTHER = "another secret, long enough for it"


async def test_a_token_of_either_secret_counts_while_the_secret_changes(serve: Serve) -> None:
    both = [
        Settings(secret=SECRET, secret_other=OTHER),
        Settings(secret=OTHER, secret_other=SECRET),
    ]
    tokens = [signed(), signed(secret=OTHER), mint(both[0], "alice"), mint(both[1], "alice")]
    for settings in both:
        client = await serve(settings)
        for token in tokens:
            assert (await asks(client, token)).status == 200
    after = await serve(Settings(secret=OTHER))
    for token in tokens:
        wanted = 200 if token in (tokens[1], tokens[3]) else 401
        assert (await asks(after, token)).status == wanted


async def code_of(asking: Awaitable[Any]) -> str:
    """The code with which a caller is refused; empty for one that is not."""
    try:
        await asking
    except Problem as problem:
        return problem.code
    return ""


async def test_a_token_that_was_taken_back_does_not_count_nor_does_a_ticket_for_it() -> None:
    taken, now = Revoked(), int(time.time())
    settings = Settings(secret=SECRET)
    authenticator = Authenticator(settings, revoked=taken)
    old, new = signed(iat=now - 60, jti="1"), signed(iat=now, jti="2")
    tickets = {}
    for token in (old, new, signed(iat=None)):
        identity = await authenticator.bearer({"Authorization": f"Bearer {token}"}, {})
        ticket = sign_ticket(authenticator.ring, identity, time.time(), 60)
        assert ticket is not None
        tickets[token] = ticket[0]

    async def counts(token: str) -> bool:
        by_token, by_ticket = {"Authorization": f"Bearer {token}"}, {"ticket": tickets[token]}
        codes = {
            await code_of(authenticator.bearer(by_token, {})),
            await code_of(authenticator.stream(by_token, {})),
            await code_of(authenticator.stream({}, by_ticket)),
        }
        assert codes in ({""}, {"token_revoked"})
        known = [
            authenticator.known_stream(by_token, {}) is not None,
            authenticator.known_stream({}, by_ticket) is not None,
        ]
        assert known == [codes == {""}] * 2
        return known[0]

    assert [await counts(token) for token in tickets] == [True, True, True]
    taken.before["alice"] = now - 30
    # A token that does not say when it was issued may be an old one.
    assert [await counts(token) for token in tickets] == [False, True, False]
    taken.ids.add("2")
    assert [await counts(token) for token in tickets] == [False, False, False]
    taken.before.clear()
    assert [await counts(token) for token in tickets] == [True, False, True]


@pytest.mark.parametrize("admin", [False, True])
async def test_a_ban_binds_the_tokens_of_admins_too(admin: bool) -> None:
    settings, bans = Settings(secret=SECRET), {"alice": Sanction(0, "ban")}
    authenticator = Authenticator(settings, bans.get)
    headers = {"Authorization": f"Bearer {mint(settings, 'alice', admin=admin)}"}
    for asking in (authenticator.bearer, authenticator.stream):
        with pytest.raises(Problem) as raised:
            await asking(headers, {})
        assert raised.value.code == "banned"
    assert authenticator.known_stream(headers, {}) is None
