from __future__ import annotations

from uuid import uuid4

from tests.support.chat import Chat
from tests.web.support.asking import person


async def test_a_room_is_opened_once_by_its_client_id(chat: Chat) -> None:
    async with person(chat, "alice") as alice:
        wish = {"name": "Tea", "client_id": uuid4().hex}
        async with alice.http.post("/v1/rooms", json=wish) as answer:
            first = await answer.json()
            assert (answer.status, first["n"]) == (201, 1)
            assert answer.headers["Location"] == f"/v1/rooms/{first['room']}"
        status, again = await alice.post("/v1/rooms", wish)
        assert (status, again) == (200, {**first, "repeated": True})


async def test_an_id_that_is_taken_stays_with_who_has_it(chat: Chat) -> None:
    async with person(chat, "alice") as alice, person(chat, "bob") as bob:
        room = await alice.opens()
        status, body = await bob.post("/v1/rooms", {"room": room})
        assert (status, body["code"]) == (409, "room_exists")


async def test_a_member_is_added_once_and_sees_the_room(chat: Chat) -> None:
    async with person(chat, "alice") as alice, person(chat, "edwinp[m]") as edwin:
        room = await alice.opens(name="Tea")
        path = f"/v1/rooms/{room}/members"
        statuses = [(await alice.post(path, {"user": "edwinp[m]"}))[0] for _ in range(2)]
        assert statuses == [201, 200]
        _, seen = await edwin.get(f"/v1/rooms/{room}")
        expected = {
            "room": room,
            "type": "group",
            "name": "Tea",
            "n": 2,
            "seq": 0,
            "members": [
                {"user": "alice", "role": "owner"},
                {"user": "edwinp[m]", "role": "member"},
            ],
        }
        assert {name: seen[name] for name in expected} == expected
        _, mine = await edwin.get("/v1/rooms")
        (found,) = [one for one in mine["rooms"] if one["room"] == room]
        assert found["joined_n"] == 2


async def test_only_the_owner_adds_and_a_public_room_lets_in_who_asks(chat: Chat) -> None:
    async with person(chat, "alice") as alice, person(chat, "bob") as bob:
        closed, public = await alice.opens("bob"), await alice.opens(type="public")
        status, body = await bob.post(f"/v1/rooms/{closed}/members", {"user": "carol"})
        assert (status, body["code"]) == (403, "not_allowed")
        status, _ = await bob.post(f"/v1/rooms/{public}/members", {"user": "bob"})
        assert status == 201


async def test_a_stranger_sees_nothing_of_a_room(chat: Chat) -> None:
    async with person(chat, "alice") as alice, person(chat, "mallory") as mallory:
        room = await alice.opens()
        await alice.says(room, "only for us")
        for path in (f"/v1/rooms/{room}", f"/v1/rooms/{room}/messages"):
            status, body = await mallory.get(path)
            assert (status, body["code"]) == (404, "room_unknown")
            status, body = await mallory.get(path.replace(room, "no-such-room"))
            assert (status, body["code"]) == (404, "room_unknown")
        _, mine = await mallory.get("/v1/rooms")
        assert room not in {one["room"] for one in mine["rooms"]}
