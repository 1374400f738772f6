"""The ids of direct rooms and of rooms without a chosen one, also while the secret changes."""

from __future__ import annotations

import asyncio
import base64
import hmac
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.direct_claims import DirectClaims
from app.delivery.valkey import connect
from app.domain import names
from app.domain.deployment import Deployment
from app.embedded.valkey import Valkey
from app.events import CreateRoom, HomeTaken, encode
from app.kafka.producer import new_producer
from app.runtime.derived_keys import KeyRing
from app.runtime.dev_tokens import mint
from app.settings import Settings
from app.topics import RAW, partition_of
from tests.conftest import SECRET
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person
from web.api.room_ids import Homes, direct_ids, new_ids

OTHER = "another secret, long enough for it"

users = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=8).filter(
    lambda name: names.user(name) is None
)
client_ids = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12)


def as_before(secret: str, text: str) -> str:
    """An id as versions made it that had one key for everything."""
    digest = hmac.digest(secret.encode(), text.encode(), "sha256")
    return base64.b32encode(digest[:15]).decode().lower()


@given(users, users, st.booleans())
def test_both_users_of_a_direct_room_get_the_same_id(one: str, other: str, derived: bool) -> None:
    ring = KeyRing(SECRET, derived=derived)
    ids = direct_ids(ring, one, other)
    assert ids == direct_ids(ring, other, one)
    pair = "/".join(sorted((one, other)))
    assert f"dm-{as_before(SECRET, f'direct/{pair}')}" == ids[1 if derived else 0]
    assert all(names.room(room) is None for room in ids)


@given(users | st.sampled_from(["direct", "upload"]), client_ids, users, users)
def test_no_client_id_shows_the_id_of_a_direct_room(
    user: str, client_id: str, one: str, other: str
) -> None:
    for derived in (False, True):
        ring = KeyRing(SECRET, OTHER, derived=derived)
        pair = "/".join(sorted((one, other)))
        shown = {*new_ids(ring, user, client_id), *new_ids(ring, "direct", pair)}
        assert shown.isdisjoint(room[3:] for room in direct_ids(ring, one, other))


@given(users, client_ids, st.booleans())
def test_a_new_room_is_at_home_here_and_an_attempt_elsewhere_is_found(
    user: str, client_id: str, derived: bool
) -> None:
    ring = KeyRing(SECRET, OTHER, derived=derived)
    settings = Settings(region="eu", regions="eu=kafka://a us=kafka://b")
    deployment = Deployment(homes=("eu", "us", "us", "us", "us", "us", "us", "us"))
    here, there = (
        Homes(replace(settings, region=name), lambda: deployment) for name in ("eu", "us")
    )
    ours, theirs = (new_ids(ring, user, client_id, homes) for homes in (here, there))
    assert here.of(ours[0]) == "eu"
    assert there.of(theirs[0]) == "us"
    assert ours[0] in theirs
    assert theirs[0] in ours
    assert new_ids(ring, user, client_id)[0] in ours
    # Also one that homes have been moved after.
    moved = {
        place: HomeTaken(partition=place, by="eu", epoch=0, term=2, start=1, origin=1, at_ms=1)
        for place in range(8)
    }
    later = Homes(settings, lambda: deployment._replace(changes=moved))
    assert {ours[0], theirs[0]} <= set(new_ids(ring, user, client_id, later))


async def test_the_first_edge_that_asks_decides_which_id_a_direct_room_gets(apart: Valkey) -> None:
    redis = connect(apart.url)
    claims = [DirectClaims(redis) for _ in range(2)]
    ids = [f"dm-{uuid4().hex[:8]}" for _ in range(2)]
    user = uuid4().hex
    found = await asyncio.gather(
        claims[0].claim(user, "bob", ids[0]), claims[1].claim("bob", user, ids[1])
    )
    assert found[0] == found[1]
    assert found[0] in ids
    for number in range(3):
        assert await claims[number % 2].claim(user, "bob", f"dm-{number}") == found[0]
    assert await claims[1].claim(user, "cid", ids[1]) == ids[1]
    await redis.aclose()


async def opens(person: Person, body: dict[str, Any]) -> tuple[int, str]:
    """The status, and the room or else the code."""
    status, answer = await person.post("/v1/rooms", body)
    return status, str(answer.get("room") or answer["code"])


async def test_an_id_of_a_direct_room_is_nobody_s_to_choose(chat: Chat) -> None:
    async with Person(chat, "direct") as mallory:
        suffix = uuid4().hex
        for kind in ("group", "public"):
            body = {"room": f"dm-{suffix}", "type": kind}
            assert await opens(mallory, body) == (400, "field_value")
        _, room = await opens(mallory, {"client_id": "alice/bob"})
        assert room not in [one[3:] for one in direct_ids(KeyRing(SECRET), "alice", "bob")]
        # Nor by an edge of before, which lets it pass.
        command = command_of(f"dm-{suffix}", "direct")
        async with Listener(chat, "direct") as ears:
            await send(chat, command)
            await mallory.open_room()
            await ears.until(lambda: any(e["kind"] == "room.created" for e in ears.events))
        assert (await mallory.get(f"/v1/rooms/dm-{suffix}"))[1]["code"] == "room_unknown"


def command_of(room: str, by: str, **fields: Any) -> CreateRoom:
    return CreateRoom(room=room, by=by, id=str(uuid4()), client_id=uuid4().hex, **fields)


async def send(chat: Chat, command: CreateRoom) -> None:
    """Write a command to Kafka as an edge of before, or somebody else who reaches it."""
    producer = new_producer(chat.settings)
    await producer.start()
    try:
        partition = partition_of(command.room, chat.settings.partitions)
        key = command.room.encode()
        await producer.send_and_wait(RAW, encode(command), key=key, partition=partition)
    finally:
        await producer.stop()


@pytest.mark.parametrize("fields", [{"type": "direct", "user": "mallory"}])
async def test_a_room_that_is_not_of_these_two_is_not_handed_out_to_them(
    chat: Chat, fields: dict[str, str]
) -> None:
    alice, bob = f"alice-{uuid4().hex[:6]}", f"bob-{uuid4().hex[:6]}"
    # The id that the two would get is that of another room.
    taken = direct_ids(KeyRing(SECRET), alice, bob)[0]
    await send(chat, command_of(taken, "eve", **fields))
    async with Person(chat, "eve") as eve, Person(chat, alice) as person, Person(chat, bob) as to:

        async def there() -> bool:
            return (await eve.get(f"/v1/rooms/{taken}"))[0] == 200

        await until(there, within=20)
        status, room = await opens(person, {"type": "direct", "user": bob})
        assert status == 201
        assert room != taken
        assert await opens(to, {"type": "direct", "user": alice}) == (200, room)
        status, shown = await to.get(f"/v1/rooms/{room}")
        assert (shown["type"], sorted(shown["users"])) == ("direct", sorted([alice, bob]))


async def test_a_direct_room_of_before_is_found(chat: Chat) -> None:
    ann, ben = f"ann-{uuid4().hex[:6]}", f"ben-{uuid4().hex[:6]}"
    old = f"dm-{as_before(SECRET, f'direct/{ann}/{ben}')}"
    await send(chat, command_of(old, ann, type="direct", user=ben))
    async with Person(chat, ann) as one, Person(chat, ben) as other:

        async def there() -> bool:
            return (await one.get(f"/v1/rooms/{old}"))[0] == 200

        await until(there, within=20)
        for person, to in ((one, ben), (other, ann)):
            assert await opens(person, {"type": "direct", "user": to}) == (200, old)


async def test_while_the_secret_changes_readers_stay_and_direct_rooms_are_kept(chat: Chat) -> None:
    """Edges of all four stages, one beside the other, as while they are restarted."""
    names_ = [f"{name}-{uuid4().hex[:6]}" for name in ("ann", "ben", "cid", "dan")]
    ann, ben, cid, dan = names_
    new = replace(chat.settings, secret=OTHER)
    first, second = chat.url, await chat.start_edge(secret_other=OTHER)
    third = await chat.start_edge(secret=OTHER, secret_other=SECRET)
    fourth = await chat.start_edge(secret=OTHER)
    async with (
        Person(chat, ann, first) as at_first,
        Person(chat, ann, second) as at_second,
        Person(chat, ann, third) as at_third,
        Person(chat, ben, third) as ben_at_third,
        Person(chat, cid, second) as cid_at_second,
        Person(chat, dan, third) as dan_at_third,
    ):
        _, room = await opens(at_first, {"type": "direct", "user": ben})
        client_id = uuid4().hex
        _, generated = await opens(at_first, {"client_id": client_id})
        # A reader with a ticket of the first edge, at each of the next, with its cursor.
        _, ticket = await at_first.post("/v1/stream-tickets", {})
        cursor, said = "", []
        for person, url in ((at_first, first), (at_second, second), (at_third, third)):
            address = f"{url}/v1/stream?ticket={ticket['ticket']}"
            async with Listener(chat, ann, cursor, address=address) as ears:
                assert ears.hello["recovered"]
                said.append(uuid4().hex)
                await person.say(room, said[-1])
                await ears.until(lambda ears=ears: ears.messages(room)[-1:] == said[-1:])
            cursor = ears.cursor
            assert await opens(person, {"client_id": client_id}) == (200, generated)
        assert await opens(ben_at_third, {"type": "direct", "user": ann}) == (200, room)
        # Two who open their first room at the same moment, at edges that sign differently.
        found = await asyncio.gather(
            opens(cid_at_second, {"type": "direct", "user": dan}),
            opens(dan_at_third, {"type": "direct", "user": cid}),
        )
        assert found[0][1] == found[1][1]
        # The third signs with the new secret: its reader goes on where the old one is gone.
        _, ticket = await at_third.post("/v1/stream-tickets", {})
        async with Listener(chat, ann, url=third) as ears:
            pass
        address = f"{fourth}/v1/stream?ticket={ticket['ticket']}"
        async with Listener(chat, ann, ears.cursor, address=address) as ears:
            assert ears.hello["recovered"]
        async with Person(chat, ann, fourth) as person:
            assert (await person.get("/v1/rooms"))[1]["code"] == "token_signature"
            person.http.headers["Authorization"] = f"Bearer {mint(new, ann)}"
            assert await opens(person, {"type": "direct", "user": ben}) == (200, room)
            _, answer = await person.get("/v1/rooms")
            assert room in [one["room"] for one in answer["rooms"]]
