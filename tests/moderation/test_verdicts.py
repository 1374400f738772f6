from __future__ import annotations

from tests.moderation.conftest import Admin, Put, call
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person

RULES = """
[[words]]
name = "mild"
action = "mask"
words = ["darn"]

[[words]]
name = "doubtful"
action = "hold"
words = ["heck"]

[[words]]
name = "silly"
action = "hide"
words = ["twaddle"]

[[words]]
name = "rude"
reason = "Be kind."
words = ["cuss"]
"""


async def test_the_sender_is_told_the_verdict_with_rule_reason_and_place(
    strict: Chat, put: Put
) -> None:
    version = await put(RULES)
    async with Person(strict, "ann") as ann:
        room = await ann.open_room()
        path = f"/v1/rooms/{room}/messages"
        status, masked = await ann.post(path, {"text": "oh d4rn it"})
        assert status == 201, masked
        assert masked["verdict"] == {
            "action": "mask",
            "version": version,
            "findings": [
                {
                    "action": "mask",
                    "rule": "mild",
                    "reason": "The message has a word that is blocked here.",
                    "matched": ["darn"],
                    "spans": [[3, 7]],
                }
            ],
        }
        status, refused = await ann.post(path, {"text": "darn, a c-u-s-s"})
        assert (status, refused["code"], refused["detail"]) == (422, "blocked", "Be kind.")
        assert [one["rule"] for one in refused["verdict"]["findings"]] == ["rude", "mild"]
        status, held = await ann.post(path, {"text": "what the heck"})
        assert (status, held["status"]) == (202, "held")
        status, hidden = await ann.post(path, {"text": "such twaddle"})
        assert status == 201, hidden
        assert "verdict" not in hidden
        assert [message["text"] for message in await ann.history(room)] == [
            "oh **** it",
            "such twaddle",
        ]


async def test_names_and_topics_of_rooms_are_judged_too(strict: Chat, put: Put) -> None:
    await put(RULES)
    async with Person(strict, "ann") as ann:
        room = (await ann.post("/v1/rooms", {"name": "the darn room"}))[1]["room"]
        assert (await ann.get(f"/v1/rooms/{room}"))[1]["name"] == "the **** room"
        for change in ({"name": "heck"}, {"topic": "on twaddle"}, {"topic": "c-u-s-s"}):
            status, answer = await call(ann, "PATCH", f"/v1/rooms/{room}", change)
            assert (status, answer["code"]) == (422, "blocked"), change
            assert answer["verdict"]["findings"]
        status, answer = await call(ann, "PATCH", f"/v1/rooms/{room}", {"topic": "darn!"})
        assert (status, answer["verdict"]["action"]) == (200, "mask")
        shown = (await ann.get(f"/v1/rooms/{room}"))[1]
        assert (shown["name"], shown["topic"]) == ("the **** room", "****!")


async def test_a_message_in_the_shadow_is_there_for_its_author_alone(
    strict: Chat, put: Put
) -> None:
    await put(RULES)
    async with (
        Person(strict, "ann") as ann,
        Person(strict, "ben") as ben,
        Listener(strict, "ann") as ears_a,
        Listener(strict, "ben") as ears_b,
    ):
        room = await ann.open_room("ben")
        await ann.say(room, "such twaddle")
        await ann.say(room, "hello")
        await ears_b.until(lambda: "hello" in ears_b.messages(room))
        await ears_a.until(lambda: "hello" in ears_a.messages(room))
        assert ears_a.messages(room) == ["such twaddle", "hello"]
        assert ears_b.messages(room) == ["", "hello"]
        assert ears_b.numbers(room) == [2, 3, 4]
        [blank, _] = [e for e in ears_b.events if e["kind"] == "message.created"]
        assert (blank["by"], blank["client_id"], blank["hidden"]) == ("", "", True)
        assert not any("twaddle" in str(event) or "shadow" in str(event) for event in ears_b.events)
        assert not any("shadow" in str(event) for event in ears_a.events)
        _, unread = await ben.get("/v1/unread")
        assert unread["rooms"][room]["unread"] == 1
        await call(ann, "PATCH", f"/v1/rooms/{room}/messages/1", {"text": "my edited pearl"})
        for person, texts in ((ann, ["my edited pearl", "hello"]), (ben, ["", "hello"])):
            assert [message["text"] for message in await person.history(room)] == texts
            _, sync = await person.post("/v1/sync", {"rooms": {room: 0}})
            assert ("pearl" in str(sync)) == (person is ann)
            assert "shadow" not in str(sync)
        thumb = f"/v1/rooms/{room}/messages/1/reactions/%2B"
        assert (await call(ann, "PUT", thumb))[0] == 200
        assert (await call(ben, "PUT", thumb))[0] == 410
        assert (await call(ann, "DELETE", f"/v1/rooms/{room}/messages/1"))[0] == 200
        await ears_b.until(lambda: any(e["kind"] == "message.deleted" for e in ears_b.events))
        told = [e["by"] for e in ears_b.events if e.get("seq") == 1]
        assert told == [""] * 4, ears_b.events
        _, polled = await ben.get("/v1/events", cursor=ears_b.hello["cursor"], timeout=0)
        assert "pearl" not in str(polled)
        assert [e["n"] for e in polled["events"] if e.get("room") == room][-4:] == [4, 5, 6, 7]
        resumed = Listener(strict, "ben", cursor=ears_b.hello["cursor"])
        async with resumed:
            await resumed.until(lambda: "hello" in resumed.messages(room))
            assert resumed.messages(room) == ["", "hello"]
            assert "pearl" not in str(resumed.events)


async def test_a_held_message_gets_its_number_when_it_is_approved(
    strict: Chat, put: Put, admin: Admin
) -> None:
    await put(RULES)
    async with (
        Person(strict, "ann") as ann,
        Person(strict, "mod") as mod,
        Listener(strict, "ann") as ears,
    ):
        room = await ann.open_room("mod")
        await call(ann, "PATCH", f"/v1/rooms/{room}/members/mod", {"role": "moderator"})
        path = f"/v1/rooms/{room}/messages"
        for name in ("one", "two"):
            _, held = await ann.post(path, {"text": f"{name}, heck", "client_id": name})
            assert held["status"] == "held", held
        await ann.say(room, "meanwhile")

        async def queue() -> list[dict[str, object]]:
            _, page = await mod.get("/v1/moderation/queue", room=room)
            return page["items"] if len(page["items"]) == 2 else []

        first, second = await until(queue)
        assert (first["author"], first["text"], first["kind"]) == ("ann", "one, heck", "held")
        status, _ = await call(ann, "POST", f"/v1/moderation/queue/{second['id']}", {"action": "x"})
        assert status == 404, "nobody decides on their own message"
        _, page = await ann.get("/v1/moderation/queue", room=room)
        assert page["items"] == []
        decide = f"/v1/moderation/queue/{first['id']}"
        status, answer = await call(mod, "POST", decide, {"action": "approve"})
        assert (status, answer["seq"], answer["status"]) == (200, 2, "approved")
        again = f"/v1/moderation/queue/{second['id']}"
        status, answer = await call(mod, "POST", again, {"action": "reject", "reason": "no"})
        assert (status, answer["status"]) == (200, "rejected")
        assert [m["text"] for m in await ann.history(room)] == ["meanwhile", "one, heck"]
        assert (await ann.history(room))[1]["by"] == "ann"
        await ears.until(lambda: any(e["kind"] == "review" for e in ears.events))
        status, late = await ann.post(path, {"text": "one, heck", "client_id": "one"})
        assert (status, late["seq"], late["repeated"]) == (200, 2, True)

        async def told() -> list[dict[str, object]]:
            _, page = await mod.get("/v1/moderation/log", room=room)
            acts = [act for act in page["acts"] if act["kind"] == "reviewed"]
            return acts if len(acts) == 2 else []

        acts = await until(told)
        assert {act["action"] for act in acts if act["by"] == "mod"} == {"approve", "reject"}


async def test_what_is_refused_or_held_after_a_202_is_told_on_ones_own_streams_alone(
    strict: Chat, put: Put
) -> None:
    await put(RULES)
    async with (
        Person(strict, "ann") as ann,
        Listener(strict, "ann") as ears,
        Listener(strict, "ben") as others,
    ):
        room = await ann.open_room("ben")
        path = f"/v1/rooms/{room}/messages"
        for name, text in (("late", "what the heck"), ("later", "")):
            body = {"text": text, "client_id": name} | (
                {} if text else {"reply_to": 99, "text": "x"}
            )
            status, told = await ann.post(path, body, Prefer="wait=0")
            assert (status, told["status"]) == (202, "accepted")

        def verdicts(ears: Listener) -> dict[str, tuple[str, str]]:
            return {
                event["client_id"]: (event["status"], event.get("code", ""))
                for event in ears.events
                if event["kind"] == "verdict" and event["room"] == room
            }

        await ears.until(lambda: len(verdicts(ears)) == 2)
        assert verdicts(ears) == {"late": ("held", ""), "later": ("refused", "message_unknown")}
        await ann.say(room, "done")
        await others.until(lambda: "done" in others.messages(room))
        assert verdicts(others) == {}


async def test_verify_agrees_after_moderation(strict: Chat) -> None:
    status, told = await strict.parley("verify")
    assert status == 0, told
    status, told = await strict.parley("rebuild")
    assert status == 0, told
    status, told = await strict.parley("verify")
    assert status == 0, told
