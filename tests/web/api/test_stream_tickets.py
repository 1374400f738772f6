from __future__ import annotations

import time

import jwt
import pytest

from app.runtime.derived_keys import KeyRing, Purpose, derive
from app.settings import Settings
from tests.conftest import SECRET
from tests.web.auth.test_authenticator import asks, made, signed
from tests.web.conftest import Client, Serve
from tests.web.http.test_problem import problem
from tests.web.support.issuer import Issuer
from web.auth import jwks
from web.auth.authenticator import Authenticator
from web.auth.jwt_rules import LEEWAY
from web.auth.tickets import sign_ticket
from web.auth.token_cache import Identity


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
        client = await serve(issuer.settings(secret=SECRET))
        ticket = await made(client, issuer.token("one"))
        assert (await client.get("/stream", params={"ticket": ticket})).status == 200
        forged = issuer.token("one", aud="parley.stream", until=9e9)
        answer = await client.get("/stream", params={"ticket": forged})
        await problem(answer, 401, "token_signature")
        bare = await serve(issuer.settings())
        headers = {"Authorization": f"Bearer {issuer.token('one')}"}
        answer = await bare.post("/v1/stream-tickets", headers=headers)
        await problem(answer, 501, "tickets_off")


async def test_a_ticket_is_signed_with_a_key_of_its_own(client: Client) -> None:
    ticket = await made(client, signed())
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(ticket, SECRET, algorithms=["HS256"], audience="parley.stream")
    claims = jwt.decode(ticket, derive(SECRET, Purpose.TICKET), ["HS256"], audience="parley.stream")
    assert claims["sub"] == "alice"
    # With that key nobody makes a token.
    key = derive(SECRET, Purpose.TICKET)
    forged = jwt.encode({"sub": "alice", "exp": int(time.time()) + 60}, key, "HS256")
    await problem(await asks(client, forged), 401, "token_signature")


async def test_a_ticket_of_an_edge_of_before_opens_streams(client: Client) -> None:
    ends = int(time.time()) + 60
    ticket = signed(aud="parley.stream", until=ends, iat=int(time.time()))
    assert (await client.get("/stream", params={"ticket": ticket})).status == 200


async def test_until_an_upgrade_is_over_edges_of_before_can_check_a_ticket() -> None:
    settings = Settings(secret=SECRET)
    identity = Identity("alice", time.time() + 60)
    signed_first = sign_ticket(KeyRing(SECRET, derived=False), identity, time.time(), 60)
    assert signed_first is not None
    claims = jwt.decode(signed_first[0], SECRET, ["HS256"], audience="parley.stream")
    assert claims["until"] == identity.expires_at
    assert await Authenticator(settings).stream({}, {"ticket": signed_first[0]})


OTHER = "another secret, long enough for it"


async def test_a_ticket_of_either_secret_opens_streams_while_the_secret_changes(
    serve: Serve,
) -> None:
    stages = [(SECRET, ""), (SECRET, OTHER), (OTHER, SECRET), (OTHER, "")]
    clients = [await serve(Settings(secret=one, secret_other=other)) for one, other in stages]
    tickets = [
        await made(client, signed(secret=secret))
        for client, (secret, _) in zip(clients, stages, strict=True)
    ]
    for number, client in enumerate(clients):
        for ticket in tickets[max(0, number - 1) : number + 2]:
            assert (await client.get("/stream", params={"ticket": ticket})).status == 200
    answer = await clients[-1].get("/stream", params={"ticket": tickets[0]})
    await problem(answer, 401, "token_signature")


async def test_a_withdrawn_key_takes_the_tickets_of_its_tokens_along(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Issuer("one", "two") as issuer:
        client = await serve(issuer.settings(secret=SECRET))
        tickets = [await made(client, issuer.token(kid)) for kid in ("one", "two")]
        for ticket in tickets:
            assert (await client.get("/stream", params={"ticket": ticket})).status == 200
        issuer.shown = ["two"]
        monkeypatch.setattr(jwks, "PAUSE", 0.0)
        await asks(client, issuer.token("one", named="unknown"))
        answer = await client.get("/stream", params={"ticket": tickets[0]})
        await problem(answer, 401, "token_signature")
        # An edge that has just begun asks for the keys first.
        fresh = await serve(issuer.settings(secret=SECRET))
        answer = await fresh.get("/stream", params={"ticket": tickets[0]})
        await problem(answer, 401, "token_signature")
        assert (await fresh.get("/stream", params={"ticket": tickets[1]})).status == 200
        issuer.status = 500
        answer = await (await serve(issuer.settings(secret=SECRET))).get(
            "/stream", params={"ticket": tickets[1]}
        )
        await problem(answer, 503, "keys_unreachable")
