from __future__ import annotations

import signal
from pathlib import Path

from tests.moderation.conftest import Put
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person


async def test_a_rule_file_is_tried_set_and_applied_to_what_was_said(
    strict: Chat, put: Put, tmp_path: Path
) -> None:
    version = await put("")
    (tmp_path / "list.txt").write_text("flummery\n")
    rules = tmp_path / "rules.toml"
    rules.write_text('[words]\nfiles = ["list.txt"]\nwords = ["tosh"]\n')
    async with (
        Person(strict, "ann") as ann,
        Person(strict, "ben") as ben,
        Listener(strict, "ben") as ears,
    ):
        room = await ann.open_room("ben")
        for text in ("what tosh", "hello", "fl\u00fcmmery"):
            await ann.say(room, text)
        status, told = await strict.parley("rules", "shadow", str(rules), "--from", "10m")
        assert status == 0, told
        assert "2  words" in told
        assert "'what tosh'  (tosh)" in told
        assert f"2 otherwise than by version {version}, in force\n  pass → refuse: 2" in told
        assert await hidden(ann, room) == []
        status, told = await strict.parley("rules", "set", str(rules))
        assert status == 0, told
        assert f"version {version + 1} is in force" in told
        status, told = await strict.parley("rules", "show")
        assert "# list.txt: 1 lines" in told
        assert "tosh" in told
        status, told = await strict.parley("rules", "test", "t0sh!", "fine")
        assert "refuse  t0sh!" in told
        assert "allow   fine" in told
        status, told = await strict.parley("rules", "apply", "--since", "10m", "--dry-run")
        assert f"{room} 1: what tosh" in told
        assert await hidden(ann, room) == []
        status, told = await strict.parley("rules", "apply", "--since", "10m")
        assert f"2 hidden by version {version + 1}" in told, told
        await until(lambda: _both(ann, room))
        await ears.until(lambda: [e["kind"] for e in ears.events].count("message.hidden") == 2)
        _, unread = await ben.get("/v1/unread")
        assert unread["rooms"][room]["unread"] == 1
        await until(lambda: _found_nothing(ben, room))
        status, told = await strict.parley("rules", "apply", "--since", "10m")
        assert ", 0 hidden" in told


async def test_a_rule_file_is_tried_on_what_comes_until_one_has_seen_enough(
    strict: Chat, put: Put, tmp_path: Path
) -> None:
    await put("")
    rules = tmp_path / "rules.toml"
    rules.write_text('[words]\nwords = ["piffle"]\n')
    async with Person(strict, "ann") as ann:
        room = await ann.open_room()
        trying = await strict.command(
            *("rules", "shadow", str(rules), "--from", "0s", "--live", "5m")
        )
        assert trying.stdout is not None
        told = await trying.stdout.readuntil(b"going on for 300 s")
        await ann.say(room, "such piffle")
        told += await trying.stdout.readuntil(b"'such piffle'")
        trying.send_signal(signal.SIGINT)
        report = (await trying.stdout.read()).decode()
        assert await trying.wait() == 0, report
        assert "refuse       1  words" in report
        assert b"piffle" not in told.partition(b"going on")[0]


async def _found_nothing(person: Person, room: str) -> bool:
    _, found = await person.get("/v1/search", q="tosh", room=room)
    return bool(found["results"] == [])


async def _both(person: Person, room: str) -> bool:
    return await hidden(person, room) == [1, 3]


async def hidden(person: Person, room: str) -> list[int]:
    return [m["seq"] for m in await person.history(room) if m.get("hidden") and not m["text"]]


async def test_a_file_with_a_mistake_changes_nothing_and_names_its_line(
    strict: Chat, put: Put, tmp_path: Path
) -> None:
    version = await put('[words]\nwords = ["tosh"]\n')
    rules = tmp_path / "rules.toml"
    rules.write_text('[words]\nwords = ["tosh"]\n\n[flood]\nmessages = 3\nseconds = "ten"\n')
    status, told = await strict.parley("rules", "set", str(rules))
    assert status == 1
    assert "rules.toml:6: flood: seconds: Expected `float`, got `str`" in told
    status, told = await strict.parley("rules", "show")
    assert f"# version {version}," in told
