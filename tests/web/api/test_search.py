"""History as it is now: threads, edits, deletions, reactions; and finding in it."""

from __future__ import annotations

from urllib.parse import quote

from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.web.api.test_chat import call


async def test_history_shows_messages_as_they_are_now(chat: Chat) -> None:
    async with Person(chat, "ann") as ann, Person(chat, "ben") as ben:
        room = await ann.open_room("ben")
        for text in ("one", "two", "three"):
            await ann.say(room, text)
        path = f"/v1/rooms/{room}/messages"
        await call(ann, "PATCH", f"{path}/1", {"text": "uno"})
        await call(ann, "DELETE", f"{path}/2")
        shown = await ben.history(room)
        assert [message["text"] for message in shown] == ["uno", "", "three"]
        assert shown[0]["edited_ms"] > 0
        assert shown[1]["deleted"] is True
        await call(ben, "PUT", f"{path}/3/reactions/{quote('👍')}")

        async def reacted() -> bool:
            third = (await ann.history(room))[2]
            return bool(third.get("reactions") == {"👍": {"count": 1, "by": ["ben"]}})

        await until(reacted)


async def test_a_thread_has_pages_of_its_own_and_a_count(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        room = await ann.open_room()
        path = f"/v1/rooms/{room}/messages"
        await ann.say(room, "root")
        for i in range(5):
            await ann.say(room, f"beside {i}")
            await ann.post(path, {"text": f"below {i}", "thread": 1})

        async def counted() -> bool:
            return bool((await ann.history(room))[0].get("replies") == 5)

        await until(counted)
        _, newest = await ann.get(path, thread=1, limit=2)
        assert [message["text"] for message in newest["messages"]] == ["below 3", "below 4"]
        assert newest["has_more"] is True
        first = newest["messages"][0]["seq"]
        _, older = await ann.get(path, thread=1, before_seq=first, limit=5)
        assert [message["text"] for message in older["messages"]] == [
            "below 0",
            "below 1",
            "below 2",
        ]
        assert older["has_more"] is False


async def test_search_finds_parts_of_words_in_ones_own_rooms_alone(chat: Chat) -> None:
    async with Person(chat, "sara") as sara, Person(chat, "ann") as ann:
        mine, also = await ann.open_room("sara"), await ann.open_room("sara")
        other = await ann.open_room()
        for room in (mine, also, other):
            await ann.say(room, f"an Unlikely-Word{room[:3]} 大家好 100%")

        async def found(query: str, **more: object) -> list[str]:
            status, answer = await sara.get("/v1/search", q=query, **more)
            assert status == 200, answer
            return [result["room"] for result in answer["results"]]

        async def archived() -> bool:
            return sorted(await found("unlikely-word")) == sorted([mine, also])

        await until(archived)
        assert await found("大家", room=mine) == [mine]
        assert await found("100%", room=also) == [also]
        assert (await sara.get("/v1/search", q="x", room=other))[0] == 404
        _, first = await sara.get("/v1/search", q="unlikely", limit=1)
        _, rest = await sara.get("/v1/search", q="unlikely", limit=1, before=first["before"])
        assert {first["results"][0]["room"], rest["results"][0]["room"]} == {mine, also}
        assert (first["has_more"], rest["has_more"]) == (True, False)
        seq = first["results"][0]["seq"]
        room = first["results"][0]["room"]
        await call(ann, "DELETE", f"/v1/rooms/{room}/messages/{seq}")

        async def gone() -> bool:
            return room not in await found("unlikely")

        await until(gone)


async def test_a_search_for_nothing_is_refused(chat: Chat) -> None:
    async with Person(chat, "ann") as ann:
        for query in ({}, {"q": " "}, {"q": "x" * 201}, {"q": "x", "before": "nonsense"}):
            status, answer = await ann.get("/v1/search", **query)
            assert (status, answer["code"]) == (400, "parameter")
