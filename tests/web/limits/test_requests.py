from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from app.runtime.dev_tokens import mint
from app.settings import Settings
from tests.conftest import SECRET
from tests.web.conftest import Client, Serve

OWN = Settings(secret=SECRET)
TICKETS = "/v1/stream-tickets"


def bearer(user: str, *, admin: bool = False) -> dict[str, str]:
    return {"Authorization": f"Bearer {mint(OWN, user, admin=admin)}"}


async def statuses(client: Client, count: int, headers: dict[str, str]) -> list[int]:
    """The statuses of so many tickets, asked for at once."""

    async def one() -> int:
        async with client.post(TICKETS, headers=headers) as answer:
            return answer.status

    return sorted(await asyncio.gather(*(one() for _ in range(count))))


async def test_a_person_gets_their_burst_and_then_429(serve: Serve) -> None:
    client = await serve(replace(OWN, limit_connect="5/500"))
    assert await statuses(client, 8, bearer("ann")) == [201] * 5 + [429] * 3
    assert await statuses(client, 2, bearer("ben")) == [201] * 2


async def test_a_refusal_says_when_to_come_back_and_is_held_back(serve: Serve) -> None:
    client = await serve(replace(OWN, limit_connect="1/100"))
    await statuses(client, 1, bearer("ann"))
    began = time.monotonic()
    async with client.post(TICKETS, headers=bearer("ann")) as answer:
        problem = await answer.json(content_type=None)
    assert time.monotonic() - began >= 0.9, "in a loop this is once a second on a connection"
    assert (answer.status, problem["code"], problem["limit"]) == (429, "rate_limited", "connect")
    assert 98 <= int(answer.headers["Retry-After"]) <= 100
    assert answer.headers["RateLimit-Policy"] == '"connect";q=1;w=100'
    assert answer.headers["RateLimit"].startswith('"connect";r=0;t=')
    assert "RateLimit" in answer.headers["Access-Control-Expose-Headers"]


async def test_an_answer_says_what_is_left_when_that_is_little(serve: Serve) -> None:
    client = await serve(replace(OWN, limit_connect="4/400"))
    told = []
    for _ in range(4):
        async with client.post(TICKETS, headers=bearer("ann")) as answer:
            told.append(answer.headers.get("RateLimit"))
    assert told == [None, None, '"connect";r=1;t=300', '"connect";r=0;t=400']


async def test_an_address_counts_before_its_token_is_looked_at(serve: Serve) -> None:
    client = await serve(replace(OWN, limit_address="3/300", limit_failed="off"))
    got = []
    for path in (TICKETS, "/v1/no-such-path", TICKETS, TICKETS, "/pages"):
        async with client.post(path) as answer:
            got.append(answer.status)
    assert got == [401, 404, 401, 429, 429]


async def test_too_many_bad_tokens_are_refused_and_good_ones_go_on(serve: Serve) -> None:
    client = await serve(replace(OWN, limit_failed="3/300"))
    bad = {"Authorization": "Bearer abc"}
    assert await statuses(client, 6, bad) == [401] * 3 + [429] * 3
    assert await statuses(client, 3, bearer("ann")) == [201] * 3


async def test_a_token_that_has_expired_is_no_failed_login(serve: Serve) -> None:
    """Many people at one address may come back with theirs, and have to learn why."""
    client = await serve(replace(OWN, limit_failed="2/300"))
    expired = {"Authorization": f"Bearer {mint(OWN, 'ann', life=-3600)}"}
    assert await statuses(client, 10, expired) == [401] * 10


async def test_an_admin_has_no_limit_but_that_of_the_address(serve: Serve) -> None:
    client = await serve(replace(OWN, limit_connect="1/100", limit_address="20/2000"))
    assert await statuses(client, 10, bearer("root", admin=True)) == [201] * 10
    assert 429 in await statuses(client, 12, bearer("root", admin=True))


async def test_rates_can_be_turned_off(serve: Serve) -> None:
    client = await serve(replace(OWN, limits=0, limit_connect="1/100", limit_address="1/100"))
    assert await statuses(client, 20, bearer("ann")) == [201] * 20
    other = await serve(replace(OWN, limit_connect="off"))
    assert await statuses(other, 100, bearer("ann")) == [201] * 100


async def test_clients_behind_a_trusted_proxy_count_apart(serve: Serve) -> None:
    limited = replace(OWN, limit_address="2/200", proxies="127.0.0.1")
    client = await serve(limited)
    for written in ("", "6.6.6.6, ", "127.0.0.1,"):
        # What clients write themselves makes no other client of them.
        one = {**bearer("ann"), "X-Forwarded-For": f"{written}203.0.113.7"}
        got = await statuses(client, 2, one)
        assert got == ([201, 201] if not written else [429, 429]), written
    two = {**bearer("ann"), "X-Forwarded-For": "203.0.113.8"}
    assert await statuses(client, 2, two) == [201, 201]


async def test_a_header_is_believed_of_trusted_proxies_alone_and_only_the_set_one(
    serve: Serve,
) -> None:
    for proxies, header in (("", "X-Forwarded-For"), ("127.0.0.1", "Forwarded")):
        client = await serve(replace(OWN, limit_address="4/400", proxies=proxies))
        got = []
        for number in range(6):
            headers = {**bearer("ann"), header: f"for=203.0.113.{number}"}
            got += await statuses(client, 1, headers)
        assert got == [201] * 4 + [429] * 2, header
    client = await serve(
        replace(OWN, limit_address="1/400", proxies="127.0.0.1", proxy_header="forwarded")
    )
    for number in range(3):
        headers = {**bearer("ann"), "Forwarded": f"for=203.0.113.{number}"}
        assert await statuses(client, 1, headers) == [201]
