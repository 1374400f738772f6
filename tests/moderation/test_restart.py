from __future__ import annotations

import shutil

from tests.moderation.conftest import Admin, Put, call
from tests.moderation.test_sanctions import refused
from tests.support.chat import Chat
from tests.support.person import Person


async def test_rules_and_sanctions_hold_from_the_first_message_of_a_worker_without_tables(
    strict: Chat, put: Put, admin: Admin
) -> None:
    await put("[words]\nwords = ['cuss']\n")
    async with (
        Person(strict, "ann") as ann,
        Person(strict, "ben") as ben,
        Person(strict, "cid") as cid,
        Person(strict, "dot") as dot,
    ):
        room = await ann.open_room("ben", "cid", "dot")
        path = f"/v1/rooms/{room}/sanctions"
        assert (await call(ann, "PUT", f"{path}/ben", {"sanction": "mute"}))[0] == 200
        assert (await call(ann, "PUT", f"{path}/cid", {"sanction": "ban"}))[0] == 200
        assert (await admin.call("PUT", "/v1/sanctions/dot", {"sanction": "mute"}))[0] == 200
        strict.workers[0].kill()
        shutil.rmtree(strict.settings.data / "workers" / "w1")
        strict.start_worker("w1")
        strict.workers.pop(0)

        _, answer = await ann.post(
            f"/v1/rooms/{room}/messages", {"text": "a cuss"}, Prefer="wait=30"
        )
        assert answer["code"] == "blocked"
        assert await refused(ben, room) == "muted"
        assert await refused(cid, room) == "banned"
        assert await refused(dot, room) == "muted"
        assert await refused(ann, room) == ""
        await admin.call("DELETE", "/v1/sanctions/dot")
