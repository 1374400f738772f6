"""Every text that members see is judged, whatever carries it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.moderation.conftest import Put, call
from tests.moderation.test_verdicts import RULES
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person


async def react(person: Person, room: str, seq: int, emoji: str, method: str = "PUT") -> str:
    path = f"/v1/rooms/{room}/messages/{seq}/reactions/{quote(emoji)}"
    status, answer = await call(person, method, path)
    return "" if status == 200 else str(answer["code"])


async def test_a_reaction_is_a_text_and_is_judged(strict: Chat, put: Put) -> None:
    await put(RULES)
    async with Person(strict, "ann") as ann, Listener(strict, "ann") as ears:
        room = await ann.open_room()
        await ann.say(room, "hello")
        for emoji in ("cuss", "c-u-s-s", "darn", "heck", "twaddle"):
            assert await react(ann, room, 1, emoji) == "blocked", emoji
        assert await react(ann, room, 1, "👍") == ""
        await ears.until(lambda: any(e["kind"] == "reaction.added" for e in ears.events))
        assert [e["emoji"] for e in ears.events if e["kind"] == "reaction.added"] == ["👍"]


async def test_meta_and_a_chosen_room_id_are_judged(strict: Chat, put: Put) -> None:
    await put(RULES)
    async with Person(strict, "ann") as ann:
        room = await ann.open_room()
        path = f"/v1/rooms/{room}/messages"
        for meta in ({"title": "a cuss"}, {"cuss": 1}, {"a": [{"b": "darn"}]}):
            status, answer = await ann.post(path, {"text": "hello", "meta": meta})
            assert (status, answer["code"]) == (422, "blocked"), meta
        body = {"text": "hello", "meta": {"a": "heck"}}
        assert (await ann.post(path, body))[1]["status"] == "held"
        assert (await ann.post(path, {"text": "hello", "meta": {"a": "fine"}}))[0] == 201
        for chosen in ("cuss-club", "darn-club"):
            status, answer = await ann.post("/v1/rooms", {"room": chosen, "name": "Club"})
            assert (status, answer["code"]) == (422, "blocked")
        assert [m["text"] for m in await ann.history(room)] == ["hello"]


async def test_the_name_of_an_attachment_is_judged(strict: Chat, put: Put) -> None:
    async def place(_: web.Request) -> web.Response:
        return web.json_response({"upload_url": "https://up.example", "url": "https://f.example"})

    await put(RULES)
    app = web.Application()
    app.router.add_post("/", place)
    async with TestServer(app) as server:
        url = await strict.start_edge(upload_hook=str(server.make_url("/")))
        async with Person(strict, "ann", url) as ann:
            room = await ann.open_room()
            for name, status in (("cuss.png", 422), ("darn.png", 422), ("tea.png", 201)):
                _, found = await ann.post(f"/v1/rooms/{room}/uploads", {"name": name})
                file = {"url": found["url"], "signature": found["signature"], "name": name}
                body: dict[str, Any] = {"text": "look", "attachments": [file]}
                assert (await ann.post(f"/v1/rooms/{room}/messages", body))[0] == status, name


async def test_edits_and_reactions_count_for_a_flood(strict: Chat, put: Put) -> None:
    await put("[flood]\nmessages = 4\nseconds = 60\n")
    async with Person(strict, "eve") as eve:
        room = await eve.open_room()
        await eve.say(room, "hello")
        path = f"/v1/rooms/{room}/messages"
        assert (await call(eve, "PATCH", f"{path}/1", {"text": "hello!"}))[0] == 200
        assert await react(eve, room, 1, "👍") == ""
        assert await react(eve, room, 1, "👍", "DELETE") == ""
        assert await react(eve, room, 1, "👍") == ""
        assert await react(eve, room, 1, "🎉") == "blocked"
        status, answer = await call(eve, "PATCH", f"{path}/1", {"text": "hello?"})
        assert (status, answer["code"]) == (422, "blocked")
        assert (await eve.post(path, {"text": "and?"}))[1]["code"] == "blocked"


async def test_edits_and_reactions_in_many_rooms_mute_everywhere(strict: Chat, put: Put) -> None:
    await put("[flood_everywhere]\nmessages = 5\nseconds = 60\nmute = 5\n")
    async with Person(strict, "gus") as gus:
        rooms = [await gus.open_room() for _ in range(3)]
        for room in rooms:
            await gus.say(room, "hello")
        for room in rooms:
            await react(gus, room, 1, "👍")

        async def muted() -> bool:
            return await react(gus, rooms[0], 1, "🎉") == "muted"

        await until(muted, within=10)


async def test_toggling_a_reaction_cannot_flush_the_window_of_a_room(strict: Chat) -> None:
    async with Person(strict, "ann") as ann, Person(strict, "ben") as ben:
        room = await ann.open_room("ben")
        await ann.say(room, "hello")
        refusals = []
        for _ in range(40):
            refusals.append(await react(ben, room, 1, "👍"))
            await react(ben, room, 1, "👍", "DELETE")
        assert refusals[:30] == [""] * 30
        assert refusals[30:] == ["slow_mode"] * 10
        assert await react(ann, room, 1, "👍") == "", "others may react"
        await ben.say(room, "and write")
