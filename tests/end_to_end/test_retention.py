"""Messages older than their room keeps them are gone from the history and the view."""

from __future__ import annotations

from app.delivery.erasures import ViewErasures
from app.delivery.valkey import connect
from app.delivery.view import View
from app.history.store import History
from app.privacy.retention import sweep
from app.runtime.clock import now_ms
from tests.support.chat import Chat, until
from tests.support.person import Person
from tests.web.api.test_chat import call, unread

DAY_MS = 24 * 60 * 60 * 1000


async def test_old_messages_go_and_new_ones_stay(chat: Chat) -> None:
    history = History(chat.settings.history_url)
    redis = connect(chat.settings.redis)
    view, erasures = View(redis, chat.settings.partitions), ViewErasures(redis)
    async with Person(chat, "ann") as ann, Person(chat, "ret") as ret:
        short, long = await ann.open_room("ret"), await ann.open_room()
        settings = {"settings": {"retention_days": 2}}
        assert (await call(ann, "PATCH", f"/v1/rooms/{short}", settings))[0] == 200
        for room in (short, long):
            for i in range(3):
                await ann.say(room, f"{i}")
        await history.open()

        async def archived() -> bool:
            return await history.newest_seq(short) == await history.newest_seq(long) == 3

        await until(archived)
        everywhere = range(chat.settings.partitions)
        at_ms = now_ms()
        await sweep(history, view, erasures, everywhere, at_ms + DAY_MS)
        assert len(await ann.history(short)) == 3
        dropped = await sweep(history, view, erasures, everywhere, at_ms + 3 * DAY_MS)
        assert dropped[short] == 3
        assert long not in dropped
        assert await ann.history(short) == []
        assert await unread(ret, short) == (3, 0)
        status, answer = await ret.post(f"/v1/rooms/{short}/messages/2/report", {})
        assert (status, answer["code"]) == (410, "message_gone")
        for room, text in ((short, ""), (long, "2")):
            _, shown = await ann.get(f"/v1/rooms/{room}")
            assert shown["last"]["text"] == text
        await ann.say(short, "new")
        assert [message["text"] for message in await ann.history(short)] == ["new"]
        assert len(await ann.history(long)) == 3
    await history.close()
    await redis.aclose()
