from __future__ import annotations

import time

import jwt
import pytest

from app.settings import Settings
from tests.conftest import SECRET
from tests.web.auth.test_authenticator import asks, signed
from tests.web.conftest import Client, Serve
from tests.web.http.test_problem import problem
from tests.web.support.issuer import Issuer
from web.auth.jwt_rules import LEEWAY


async def made(client: Client, token: str) -> str:
    answer = await client.post("/v1/stream-tickets", headers={"Authorization": f"Bearer {token}"})
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    body = await answer.json()
    assert 0 <= body["expires_in"] <= 600
    return str(body["ticket"])


async def test_a_ticket_opens_streams_again_and_again(client: Client) -> None:
    ticket = await made(client, signed(exp=2_000_000_000))
    for _ in range(3):
        answer = await client.get("/stream", params={"ticket": ticket})
        found = await answer.json()
        assert found == {"user": "alice", "expires_at": 2_000_000_000 + LEEWAY}


async def test_a_token_opens_streams_too(client: Client) -> None:
    assert (await asks(client, signed(), "/stream")).status == 200


async def test_a_ticket_is_no_token(client: Client) -> None:
    ticket = await made(client, signed())
    for path in ("/whoami", "/stream"):
        await problem(await asks(client, ticket, path), 401, "ticket_misused")
    headers = {"Authorization": f"Bearer {ticket}"}
    again = await client.post("/v1/stream-tickets", headers=headers)
    await problem(again, 401, "ticket_misused")


async def test_a_ticket_in_the_url_counts_at_streams_alone(client: Client) -> None:
    params = {"ticket": await made(client, signed())}
    await problem(await client.get("/whoami", params=params), 401, "ticket_misused")
    headers = {"Authorization": f"Bearer {signed()}"}
    answer = await client.get("/whoami", params=params, headers=headers)
    await problem(answer, 401, "ticket_misused")


async def test_a_token_in_the_url_is_no_ticket(client: Client) -> None:
    answer = await client.get("/stream", params={"ticket": signed()})
    await problem(answer, 401, "ticket_misused")


@pytest.mark.parametrize(
    ("ticket", "code"),
    [
        ("", "token_malformed"),
        ("x", "token_malformed"),
        ("\udcff", "token_malformed"),
        (signed(aud="parley.stream", until=0, exp=int(time.time()) - 60), "token_expired"),
        (signed(aud="parley.stream"), "token_claims"),
        (signed(secret="s" * 32, aud="parley.stream", until=9e9), "token_signature"),
        (signed(algorithm="HS384", aud="parley.stream", until=9e9), "token_signature"),
    ],
)
async def test_a_wrong_ticket_is_told_why(client: Client, ticket: str, code: str) -> None:
    answer = await client.get(
        "/stream", params={"ticket": ticket.encode("utf-8", "replace").decode()}
    )
    await problem(answer, 401, code)


async def test_a_ticket_does_not_outlive_the_token_that_made_it(client: Client) -> None:
    ends = int(time.time()) + 30
    ticket = await made(client, signed(exp=ends))
    claims = jwt.decode(ticket, options={"verify_signature": False})
    assert claims["exp"] <= ends + LEEWAY


async def test_an_issuer_s_token_gets_a_ticket_signed_here(serve: Serve) -> None:
    async with Issuer("one") as issuer:
        client = await serve(Settings(secret=SECRET, jwks=issuer.url))
        ticket = await made(client, issuer.token("one"))
        assert (await client.get("/stream", params={"ticket": ticket})).status == 200
        forged = issuer.token("one", aud="parley.stream", until=9e9)
        answer = await client.get("/stream", params={"ticket": forged})
        await problem(answer, 401, "token_signature")
        bare = await serve(Settings(jwks=issuer.url))
        headers = {"Authorization": f"Bearer {issuer.token('one')}"}
        answer = await bare.post("/v1/stream-tickets", headers=headers)
        await problem(answer, 501, "tickets_off")
