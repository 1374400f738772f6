from __future__ import annotations

import time

from tests.moderation.conftest import Admin, Put, call
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person


async def refused(person: Person, room: str, text: str = "hello") -> str:
    _, answer = await person.post(f"/v1/rooms/{room}/messages", {"text": text})
    return str(answer.get("code", ""))


async def test_a_mute_in_a_room_lifts_itself_at_its_time(strict: Chat) -> None:
    async with Person(strict, "ann") as ann, Person(strict, "ben") as ben:
        room = await ann.open_room("ben")
        path = f"/v1/rooms/{room}/sanctions/ben"
        body = {"sanction": "mute", "seconds": 2, "reason": "calm down"}
        assert (await call(ben, "PUT", f"/v1/rooms/{room}/sanctions/ann", body))[0] == 403
        assert (await call(ann, "PUT", path, body))[0] == 200
        status, answer = await ben.post(f"/v1/rooms/{room}/messages", {"text": "but"})
        assert (status, answer["code"]) == (403, "muted")
        assert "calm down" in answer["detail"]
        assert await refused(ann, room) == ""
        [shown] = (await ann.get(f"/v1/rooms/{room}/sanctions"))[1]["sanctions"]
        assert (shown["user"], shown["sanction"], shown["by"]) == ("ben", "mute", "ann")

        async def may() -> bool:
            return await refused(ben, room) == ""

        await until(may, within=10)
        assert (await ann.get(f"/v1/rooms/{room}/sanctions"))[1]["sanctions"] == []


async def test_who_is_banned_from_a_room_is_out_and_stays_out(strict: Chat) -> None:
    async with (
        Person(strict, "ann") as ann,
        Person(strict, "ben") as ben,
        Listener(strict, "ben") as ears,
    ):
        status, made = await ann.post("/v1/rooms", {"type": "public"})
        room = made["room"]
        await ben.post(f"/v1/rooms/{room}/members", {"user": "ben"})
        path = f"/v1/rooms/{room}/sanctions/ben"
        body = {"sanction": "ban", "reason": "spam"}
        assert (await call(ann, "PUT", path, body))[0] == 200
        await ears.until(lambda: any(e["kind"] == "sanction.set" for e in ears.events))
        await ann.say(room, "now without ben")
        assert await refused(ben, room) == "banned"
        _, joining = await ben.post(f"/v1/rooms/{room}/members", {"user": "ben"})
        assert joining["code"] == "banned"
        assert (await ben.get(f"/v1/rooms/{room}/messages"))[0] == 404
        assert "now without ben" not in ears.messages(room)
        assert (await call(ann, "DELETE", path))[0] == 200
        status, _ = await ben.post(f"/v1/rooms/{room}/members", {"user": "ben"})
        assert status == 201
        assert await refused(ben, room) == ""


async def test_who_is_banned_everywhere_is_shut_out_with_the_reason(
    strict: Chat, admin: Admin
) -> None:
    async with (
        Person(strict, "bad") as bad,
        Person(strict, "ann") as ann,
        Listener(strict, "bad") as ears,
    ):
        room = await bad.open_room("ann")
        body = {"sanction": "ban", "seconds": 8, "reason": "enough"}
        assert (await call(ann, "PUT", "/v1/sanctions/bad", body))[0] == 403
        assert (await admin.call("PUT", "/v1/sanctions/bad", body))[0] == 200
        await ears.until(lambda: bool(ears.goodbye))
        assert ears.goodbye == {"code": "banned", "reason": "enough"}
        assert (await bad.get("/v1/rooms"))[1]["code"] == "banned"
        assert await refused(bad, room) == "banned"
        _, listed = await admin.call("GET", "/v1/sanctions")
        assert [one["user"] for one in listed["sanctions"]] == ["bad"]

        async def back() -> bool:
            return await refused(bad, room) == ""

        await until(back, within=30)


async def test_a_mute_everywhere_is_refused_in_the_pipeline_at_once(
    strict: Chat, admin: Admin
) -> None:
    async with Person(strict, "loud") as loud:
        room = await loud.open_room()
        body = {"sanction": "mute", "reason": "hush"}
        assert (await admin.call("PUT", "/v1/sanctions/loud", body))[0] == 200

        async def muted() -> bool:
            return await refused(loud, room) == "muted"

        await until(muted, within=10)
        assert (await loud.get(f"/v1/rooms/{room}"))[0] == 200
        assert (await admin.call("DELETE", "/v1/sanctions/loud"))[0] == 200

        async def may() -> bool:
            return await refused(loud, room) == ""

        await until(may, within=10)


async def test_flooding_one_room_is_refused_and_flooding_many_mutes_everywhere(
    strict: Chat, put: Put
) -> None:
    await put(
        "[flood]\nmessages = 3\nseconds = 60\n"
        "[flood_everywhere]\nmessages = 5\nseconds = 60\nmute = 30\nreason = 'Too much.'\n"
        "[repeated]\ntimes = 1\nseconds = 60\n"
    )
    async with Person(strict, "fay") as fay:
        one, other = await fay.open_room(), await fay.open_room()
        assert [await refused(fay, one, f"{i}") for i in range(4)] == ["", "", "", "blocked"]
        assert await refused(fay, other, "the same") == ""
        assert await refused(fay, other, "The  SAME") == "blocked"

        async def muted() -> bool:
            return await refused(fay, other, str(time.monotonic())) == "muted"

        await until(muted, within=10)
