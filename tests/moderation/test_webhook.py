from __future__ import annotations

import asyncio
import time

import pytest

from app.topics import partition_of
from tests.moderation.conftest import Admin, Put, call
from tests.moderation.service import Service
from tests.support.chat import Chat, until
from tests.support.person import Person


def hook(service: Service, room: str, **more: object) -> str:
    settings = "".join(f"{name} = {value!r}\n" for name, value in more.items())
    return f"[hook]\nurl = '{service.url}'\nrooms = ['{room}']\n{settings}"


async def test_a_hook_is_asked_signed_and_its_answer_counts(strict: Chat, put: Put) -> None:
    async with Service() as service, Person(strict, "ann") as ann:
        room = await ann.open_room()
        version = await put(hook(service, room))
        path = f"/v1/rooms/{room}/messages"
        status, refused = await ann.post(path, {"text": "no way"})
        assert (status, refused["detail"]) == (422, "The service says no.")
        assert refused["verdict"]["findings"][0]["rule"] == "hook"
        assert refused["verdict"]["version"] == version
        status, masked = await ann.post(path, {"text": "mask me"})
        assert status == 201, masked
        await ann.say(room, "fine")
        assert [m["text"] for m in await ann.history(room)] == ["**** me", "fine"]
        assert service.signed
        assert service.asked[0]["room"] == room
        assert service.asked[0]["kind"] == "message.send"


async def test_a_slow_hook_holds_up_no_other_room_and_keeps_the_order_of_its_own(
    strict: Chat, put: Put
) -> None:
    async with Service() as service, Person(strict, "ann") as ann:
        slow = await ann.open_room()
        # One on the same partition: it is on the same worker, in the same batches.
        quick = await ann.open_room(room=_beside(slow))
        await put(hook(service, slow, timeout_ms=10000))
        texts = ["slow 2.5 a", "slow 0.1 b", "c", "slow 0.7 d", *map(str, range(8))]
        sends = []
        for place, text in enumerate(texts, 1):
            sends.append(asyncio.create_task(ann.say(slow, text, wait=30)))
            await until(lambda wanted=place: _asked(service, wanted), within=5)
        # What nobody asks the hook about waits behind what is asked, too.
        changing = asyncio.create_task(_rename(ann, slow))
        began = time.monotonic()
        for i in range(5):
            await ann.say(quick, f"{i}")
        assert time.monotonic() - began < 2
        assert not sends[1].done()
        assert not changing.done()
        await asyncio.gather(*sends)
        assert await changing == 1 + len(texts) + 1
        assert [m["text"] for m in await ann.history(slow)] == texts
        assert service.at_once >= 3


async def test_a_hook_that_fails_passes_or_refuses_as_is_set_and_is_left_alone(
    strict: Chat, put: Put
) -> None:
    async with Service() as service, Person(strict, "ann") as ann:
        room = await ann.open_room()
        path = f"/v1/rooms/{room}/messages"
        await put(hook(service, room, timeout_ms=200, on_failure="pass"))
        await ann.say(room, "nonsense")
        await ann.say(room, "slow 3")
        await put(hook(service, room, timeout_ms=200, on_failure="refuse"))
        status, answer = await ann.post(path, {"text": "nonsense"})
        assert (status, answer["code"]) == (503, "moderation_away")
        for _ in range(4):
            await ann.post(path, {"text": "nonsense"})
        asked = len(service.asked)
        status, answer = await ann.post(path, {"text": "would be fine"})
        assert (status, answer["code"], len(service.asked)) == (503, "moderation_away", asked)


async def test_an_answer_that_arrives_in_pieces_is_read_to_its_end(strict: Chat, put: Put) -> None:
    async with Service() as service, Person(strict, "ann") as ann:
        room = await ann.open_room()
        await put(hook(service, room, on_failure="pass"))
        status, answer = await ann.post(f"/v1/rooms/{room}/messages", {"text": "piecewise"})
        assert (status, answer.get("detail")) == (422, "In pieces.")
        assert await ann.history(room) == []


async def test_what_a_failing_hook_was_asked_about_is_held_by_default(
    strict: Chat, put: Put
) -> None:
    async with Service() as service, Person(strict, "ann") as ann:
        room = await ann.open_room()
        path = f"/v1/rooms/{room}/messages"
        await put(hook(service, room, timeout_ms=200))
        status, held = await ann.post(path, {"text": "nonsense"})
        assert (status, held["status"]) == (202, "held")
        assert held["verdict"]["findings"][0]["rule"] == "hook"
        assert len(service.asked) == 2, "a retry comes first"
        status, sent = await ann.post(path, {"text": "fine"})
        assert (status, sent["seq"]) == (201, 1)
        edited = await call(ann, "PATCH", f"{path}/1", {"text": "nonsense"})
        assert (edited[0], edited[1]["code"]) == (503, "moderation_away")
        assert [m["text"] for m in await ann.history(room)] == ["fine"]


async def test_many_messages_at_once_do_not_go_by_a_hook_that_refuses_them(
    strict: Chat, put: Put
) -> None:
    async with Service() as service, Person(strict, "ann") as ann:
        room = await ann.open_room()
        # Far less than the last of them has to wait for its turn.
        await put(hook(service, room, timeout_ms=500, on_failure="pass"))
        path = f"/v1/rooms/{room}/messages"
        sends = [ann.post(path, {"text": f"slowly no {i}"}, Prefer="wait=30") for i in range(500)]
        assert {status for status, _ in await asyncio.gather(*sends)} == {422}
        assert await ann.history(room) == []


async def test_a_hook_is_asked_about_reactions_and_names_where_that_is_set(
    strict: Chat, put: Put
) -> None:
    async with Service() as service, Person(strict, "ann") as ann:
        room = await ann.open_room()
        path = f"/v1/rooms/{room}"
        await put(hook(service, room, kinds=["messages", "reactions", "rooms"], timeout_ms=200))
        await ann.say(room, "fine")
        for emoji, status in (("no", 422), ("mask", 422), ("nonsense", 503), ("yes", 200)):
            reacted = await call(ann, "PUT", f"{path}/messages/1/reactions/{emoji}")
            assert reacted[0] == status, reacted
        for name, status in (("no way", 422), ("nonsense", 503), ("mask it", 200)):
            named = await call(ann, "PATCH", path, {"name": name})
            assert named[0] == status, named
        assert (await call(ann, "PATCH", path, {"settings": {"slow_mode": 1}}))[0] == 200
        assert (await ann.get(path))[1]["name"] == "**** it"
        asked = {(one["kind"], one["text"]) for one in service.asked}
        assert {("reaction.add", "no"), ("room.change", "no way")} <= asked
        assert "" not in {text for _, text in asked}


@pytest.mark.slow
async def test_what_waits_for_a_hook_outlives_its_worker(strict: Chat, put: Put) -> None:
    async with Service() as service, Person(strict, "ann") as ann:
        room = await ann.open_room()
        await put(hook(service, room, timeout_ms=8000))
        sends = [asyncio.create_task(_send(ann, room, text)) for text in ("slow 4 a", "b")]
        await until(lambda: _asked(service, 2), within=5)
        # Long enough for offsets to be committed that should not be.
        quick, enough = await ann.open_room(room=_beside(room)), time.monotonic() + 1.5
        while time.monotonic() < enough:
            await ann.say(quick, "tick")
        strict.workers[0].kill()
        strict.start_worker("w1")
        strict.workers.pop(0)
        await asyncio.gather(*sends)

        async def there() -> bool:
            return sorted(m["text"] for m in await ann.history(room)) == ["b", "slow 4 a"]

        await until(there, strict.workers[0].tail, within=40)


async def _rename(person: Person, room: str) -> int:
    """Give the room another name; the event's `n`."""
    _, answer = await call(person, "PATCH", f"/v1/rooms/{room}", {"name": "Slow"})
    n: int = answer["n"]
    return n


async def _send(person: Person, room: str, text: str) -> None:
    await person.post(f"/v1/rooms/{room}/messages", {"text": text}, Prefer="wait=1")


async def _asked(service: Service, count: int) -> bool:
    return len(service.asked) >= count


def _beside(room: str) -> str:
    names = (f"{room}-{i}" for i in range(999))
    return next(name for name in names if partition_of(name, 8) == partition_of(room, 8))


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_what_waits_for_a_hook_outlives_workers_that_join_and_leave(
    strict: Chat, put: Put
) -> None:
    async with Service() as service, Person(strict, "ann") as ann:
        rooms = [await ann.open_room() for _ in range(6)]
        listed = "', '".join(rooms)
        await put(hook(service, listed, timeout_ms=8000))
        for turn in range(3):
            sends = [
                asyncio.create_task(_send(ann, room, f"slow 3 {turn} {place}"))
                for room in rooms
                for place in range(2)
            ]
            all_of_them = len(sends) * (turn + 1)
            await until(lambda wanted=all_of_them: _asked(service, wanted), within=30)
            second = strict.start_worker("w2")
            await asyncio.gather(*sends)
            await _all_there(ann, rooms, 2 * (turn + 1), strict)
            await second.stop(30)
            strict.workers.remove(second)


async def _all_there(person: Person, rooms: list[str], count: int, chat: Chat) -> None:
    async def there() -> bool:
        counts = [len(await person.history(room)) for room in rooms]
        return counts == [count] * len(rooms)

    await until(there, chat.workers[0].tail, within=90)


async def test_a_hook_at_an_address_inside_is_not_activated(admin: Admin) -> None:
    source = "\n[hook]\nurl = 'http://169.254.169.254/latest/meta-data'\n"
    status, answer = await admin.call("PUT", "/v1/moderation/rules", {"source": source})
    assert (status, answer["code"], answer["line"]) == (400, "rules_mistake", 2)
    assert "PARLEY_WEBHOOK_HOSTS" in answer["detail"]
