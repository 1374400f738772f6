"""A mute stops all by which others read or hear from the user, and nothing else."""

from __future__ import annotations

from tests.moderation.conftest import Admin, call
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person


async def code(person: Person, method: str, path: str, body: object = None) -> str:
    status, answer = await call(person, method, path, body)
    return "" if status < 300 else str(answer["code"])


async def typing(person: Person, room: str) -> str:
    return await code(person, "POST", f"/v1/rooms/{room}/typing", {})


async def test_who_is_muted_everywhere_opens_names_and_fills_no_room(
    strict: Chat, admin: Admin
) -> None:
    async with Person(strict, "mia") as mia, Person(strict, "ann") as ann:
        room = await mia.open_room("ann")
        public = (await ann.post("/v1/rooms", {"type": "public"}))[1]["room"]
        await mia.say(room, "hello")
        assert await typing(mia, room) == ""
        await admin.call("PUT", "/v1/sanctions/mia", {"sanction": "mute"})

        async def muted() -> bool:
            opened = await code(mia, "POST", "/v1/rooms", {"name": "buy here"})
            return opened == "muted" == await typing(mia, room)

        await until(muted, within=10)
        path = f"/v1/rooms/{room}"
        direct = {"type": "direct", "user": "ann"}
        assert await code(mia, "POST", "/v1/rooms", direct) == "muted"
        assert await code(mia, "PATCH", path, {"name": "buy here"}) == "muted"
        assert await code(mia, "PATCH", path, {"topic": "buy here"}) == "muted"
        assert await code(mia, "POST", f"{path}/members", {"user": "ben"}) == "muted"
        assert await code(mia, "PATCH", f"{path}/messages/1", {"text": "buy"}) == "muted"
        # What others don't read stays possible.
        joining = {"user": "mia"}
        assert await code(mia, "POST", f"/v1/rooms/{public}/members", joining) == ""
        assert await code(mia, "PATCH", path, {"settings": {"slow_mode": 5}}) == ""
        assert await code(mia, "DELETE", f"{path}/messages/1") == ""
        await admin.call("DELETE", "/v1/sanctions/mia")


async def test_who_is_muted_in_a_room_adds_nobody_and_is_not_seen_typing(strict: Chat) -> None:
    async with (
        Person(strict, "ann") as ann,
        Person(strict, "ben") as ben,
        Listener(strict, "ann") as ears,
    ):
        room = await ann.open_room("ben")
        path = f"/v1/rooms/{room}"
        await call(ann, "PATCH", f"{path}/members/ben", {"role": "admin"})
        assert await typing(ben, room) == ""
        await ears.until(lambda: any(e["kind"] == "typing" for e in ears.events))
        body = {"sanction": "mute", "seconds": 60}
        assert await code(ann, "PUT", f"{path}/sanctions/ben", body) == ""

        async def muted() -> bool:
            return await typing(ben, room) == "muted"

        await until(muted, within=10)
        assert await code(ben, "POST", f"{path}/members", {"user": "cleo"}) == "muted"
        assert await code(ben, "PATCH", path, {"name": "mine"}) == "muted"
        assert await code(ben, "POST", "/v1/rooms", {"name": "elsewhere"}) == ""
        assert await code(ann, "DELETE", f"{path}/sanctions/ben") == ""

        async def may() -> bool:
            return await typing(ben, room) == ""

        await until(may, within=10)


async def test_where_one_may_not_write_one_may_not_edit_or_type(strict: Chat) -> None:
    async with Person(strict, "ann") as ann, Person(strict, "ben") as ben:
        room = await ann.open_room("ben")
        path = f"/v1/rooms/{room}"
        await ben.say(room, "before")
        assert await code(ann, "PATCH", path, {"settings": {"post": "moderator"}}) == ""
        assert await code(ben, "PATCH", f"{path}/messages/1", {"text": "after"}) == "not_allowed"

        async def told() -> bool:
            return await typing(ben, room) == "not_allowed"

        await until(told, within=10)
        assert await typing(ann, room) == ""
        assert await code(ben, "DELETE", f"{path}/messages/1") == ""
        assert await code(ann, "PATCH", path, {"archived": True}) == ""

        async def archived() -> bool:
            return await typing(ann, room) == "room_archived"

        await until(archived, within=10)
