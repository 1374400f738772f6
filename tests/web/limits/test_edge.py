"""The limits of whole edges: shared, in streams and polls, quotas, and budgets of bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import uuid4

import aiohttp
import pytest

from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.web.support.raw import Raw, raw, request

#: Small limits; the rest are the defaults.
SMALL = {
    "limits": 1.0,
    "connections": 20,
    "polls": 2,
    "rooms": 4,
    "members": 3,
    "answer_bytes": 64 * 1024,
    "limit_connect": "3/300",
    "limit_direct": "2/86400",
    "limit_added": "2/3600",
    "limit_send": "8/800",
    "limit_address": "100000/1",
}


@pytest.fixture(scope="module")
async def small(shared_chat: Chat) -> AsyncIterator[str]:
    """An edge with small limits."""
    there = len(shared_chat.edges)
    yield await shared_chat.start_edge(**SMALL)
    await shared_chat.stop_edges(there)


def name(text: str) -> str:
    return f"{text}-{uuid4().hex[:8]}"


async def stream(chat: Chat, user: str, url: str) -> bytes:
    """The first block of a stream."""
    async with raw(url) as connection:
        connection.writer.write(request(chat, user, "GET /v1/stream"))
        head = await connection.until(b"\r\n\r\n")
        return head.split(b"\r\n")[0] + b"\n" + await connection.until(b"\n\n")


async def test_a_stream_too_many_is_a_200_with_a_goodbye(chat: Chat, small: str) -> None:
    """An EventSource takes any other status as the end for good."""
    user = name("ann")
    got = [await stream(chat, user, small) for _ in range(4)]
    assert [b"event: hello" in one for one in got] == [True] * 3 + [False]
    assert got[-1].startswith(b"HTTP/1.1 200")
    assert b'event: goodbye\ndata: {"code":"rate_limited"' in got[-1]
    retry = int(got[-1].split(b"retry: ")[1].split(b"\n")[0])
    assert retry >= 98_000, "the client does not come back before it may"


async def test_two_edges_share_what_a_person_has_left(chat: Chat) -> None:
    there = len(chat.edges)
    own = {"limits": 1.0, "limit_send": "40/4000", "limit_send_room": "off"}
    urls = [await chat.start_edge(**own) for _ in range(2)]
    user = name("ann")
    async with Person(chat, user) as ann:
        room = await ann.open_room()
    async with Person(chat, user, urls[0]) as one, Person(chat, user, urls[1]) as other:
        path, body = f"/v1/rooms/{room}/messages", {"text": "x"}
        statuses = [(await one.post(path, body, Prefer="wait=0"))[0] for _ in range(36)]
        assert set(statuses) == {202}

        async def refused() -> bool:
            """It settles behind an eighth of the burst."""
            return (await other.post(path, body, Prefer="wait=0"))[0] == 429

        tried = 0
        while not await refused():
            tried += 1
            await asyncio.sleep(0.05)
        assert tried <= 4 + 5 + 5, "what is left, and what the edge allows before it settles"
    await chat.stop_edges(there)


async def test_a_person_polls_on_so_many_connections(chat: Chat, small: str) -> None:
    user = name("ann")

    async def poll(connection: Raw) -> tuple[int, dict[str, object]]:
        connection.writer.write(request(chat, user, "GET /v1/events"))
        return await connection.answer()

    async with raw(small) as one, raw(small) as two, raw(small) as three:
        assert [(await poll(each))[0] for each in (one, two)] == [200, 200]
        status, answer = await poll(three)
        assert (status, answer["code"]) == (429, "too_many_polls")
        two.writer.close()

        async def let_in() -> bool:
            return (await poll(three))[0] == 200

        await until(let_in, within=20)


async def test_one_address_does_not_make_an_edge_deaf(chat: Chat, small: str) -> None:
    port = int(small.rpartition(":")[2])
    held = []
    for _ in range(40):
        held.append(await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.9", 0)))
    closed = sum(
        [await _closed(reader) for reader, _ in held]  # those beyond the limit, at once
    )
    assert closed == 20
    async with Person(chat, name("ann"), small) as ann:
        assert (await ann.get("/v1/rooms"))[0] == 200
    for _, writer in held:
        writer.close()


async def _closed(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(0.2):
            return await reader.read(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


async def test_direct_rooms_with_strangers_are_few_a_day(chat: Chat, small: str) -> None:
    async with Person(chat, name("ann"), small) as ann:
        got = []
        for _ in range(3):
            body = {"type": "direct", "user": name("stranger")}
            status, answer = await ann.post("/v1/rooms", body)
            got.append((status, answer.get("limit")))
        assert got == [(201, None), (201, None), (429, "direct")]


async def test_a_person_is_not_drawn_into_more_rooms_than_a_few(chat: Chat, small: str) -> None:
    victim = name("victim")
    async with Person(chat, name("ann")) as plain:
        rooms = [await plain.open_room() for _ in range(3)]
        async with Person(chat, plain.user, small) as ann:
            got = []
            for room in rooms:
                status, answer = await ann.post(f"/v1/rooms/{room}/members", {"user": victim})
                got.append((status, answer.get("limit")))
            assert got == [(201, None), (201, None), (429, "added")]
    # A stranger's tries don't count: nobody can use up what others may do.
    async with Person(chat, name("mallory"), small) as mallory:
        other = name("ben")
        for _ in range(5):
            path = f"/v1/rooms/{rooms[0]}/members"
            assert (await mallory.post(path, {"user": other}))[0] == 404
        async with Person(chat, plain.user, small) as ann:
            assert (await ann.post(f"/v1/rooms/{rooms[0]}/members", {"user": other}))[0] == 201


async def test_a_person_is_in_so_many_rooms_and_a_room_has_so_many_members(
    chat: Chat, small: str
) -> None:
    async with Person(chat, name("ann"), small) as ann:
        rooms = [await ann.open_room() for _ in range(4)]
        status, answer = await ann.post("/v1/rooms", {"room": name("room")})
        assert (status, answer["code"]) == (409, "too_many_rooms")
        # The same request again is the same room: a repetition meets no quota.
        status, answer = await ann.post("/v1/rooms", {"room": rooms[0]})
        assert (status, answer["code"]) == (409, "room_exists")
        path = f"/v1/rooms/{rooms[0]}/members"
        users = [name("user") for _ in range(3)]
        added = [await ann.post(path, {"user": user, "client_id": f"add-{user}"}) for user in users]
        assert [status for status, _ in added] == [201, 201, 409]
        assert added[-1][1]["code"] == "too_many_members"
        status, answer = await ann.post(path, {"user": users[0], "client_id": f"add-{users[0]}"})
        assert (status, answer.get("repeated")) == (200, True)
        async with Person(chat, name("mallory"), small) as mallory:
            # To a stranger a full room is none.
            assert (await mallory.post(path, {"user": mallory.user}))[0] == 404


async def test_no_answer_has_more_bytes_than_its_budget(chat: Chat, small: str) -> None:
    """And a client that asks for the rest gets all of it."""
    user = name("ann")
    async with Person(chat, user) as plain, Person(chat, user, small) as ann:
        _, before = await plain.get("/v1/events")
        rooms = [await plain.open_room() for _ in range(3)]
        for room in rooms:
            for number in range(12):
                text = f"{number}".ljust(4_000, "\u4f60")
                await plain.post(f"/v1/rooms/{room}/messages", {"text": text}, Prefer="wait=0")
            await plain.say(room, "last", wait=20)
        known, had = dict.fromkeys(rooms, 1), dict.fromkeys(rooms, 0)
        for _ in range(20):
            status, size, answer = await sized(ann, "POST", "/v1/sync", {"rooms": known})
            assert status == 200
            assert size < 2 * 64 * 1024
            for room, lacking in answer["rooms"].items():
                had[room] += len(lacking["events"])
                known[room] += len(lacking["events"])
            if not answer["rooms"]:
                break
            if not any(one["limited"] for one in answer["rooms"].values()):
                break
        assert had == dict.fromkeys(rooms, 13)

        pages, low = 0, 10**9
        while True:
            path = f"/v1/rooms/{rooms[0]}/messages?limit=200&before_seq={low}"
            _, size, page = await sized(ann, "GET", path)
            assert size < 2 * 64 * 1024
            seqs = [one["seq"] for one in page["messages"]]
            assert seqs == list(range(seqs[0], seqs[-1] + 1))
            assert low == 10**9 or seqs[-1] == low - 1
            pages, low = pages + 1, seqs[0]
            if not page["has_more"]:
                break
        assert low == 1
        assert pages > 2

        cursor, events = before["cursor"], 0
        for _ in range(40):
            path = f"/v1/events?timeout=0&limit=500&cursor={cursor}"
            _, size, answer = await sized(ann, "GET", path)
            assert size < 2 * 64 * 1024
            assert answer["recovered"]
            events += sum("n" in one for one in answer["events"])
            cursor = answer["cursor"]
            if not answer["events"]:
                break
        assert events == 3 * (1 + 13)


async def sized(
    person: Person, method: str, path: str, body: object = None
) -> tuple[int, int, dict[str, object]]:
    """Status, bytes and JSON of an answer."""
    async with person.http.request(method, path, json=body) as answer:
        content = await answer.read()
        return answer.status, len(content), json.loads(content)


async def test_requests_that_other_clients_send_are_served_beside_refused_ones(
    chat: Chat, small: str
) -> None:
    """Refusals that are held back hold up nobody."""
    bad = {"Authorization": "Bearer abc"}
    async with aiohttp.ClientSession() as http, Person(chat, name("ann"), small) as ann:

        async def abuse() -> int:
            async with http.get(f"{small}/v1/rooms", headers=bad) as answer:
                return answer.status

        tasks = [asyncio.create_task(abuse()) for _ in range(15)]
        await asyncio.sleep(0.1)
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert (await ann.get("/v1/rooms"))[0] == 200
        assert loop.time() - began < 0.9
        await asyncio.gather(*tasks)


async def test_a_long_text_counts_as_several_messages(chat: Chat, small: str) -> None:
    user = name("ann")
    async with Person(chat, user) as plain:
        room = await plain.open_room()
    async with Person(chat, user, small) as ann:
        path, text = f"/v1/rooms/{room}/messages", "\u4f60" * 4_000
        got = [(await ann.post(path, {"text": text}, Prefer="wait=0"))[0] for _ in range(2)]
        assert got == [202, 429]
