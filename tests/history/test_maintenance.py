"""Dropping, forgetting, and the figures for `parley verify`."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.events import AnyLogEvent, MessageCreated, MessageEdited
from app.history.entry import Entry
from app.history.erasure import Erasure
from app.history.room_state import LogRow
from app.history.store import History
from tests.history.recount import as_now
from tests.history.room import entries
from tests.history.story import DEEDS, PEOPLE, entries_of, story
from tests.history.test_message_state import everything, pages

number = count()
many = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def without(shown: list[dict[str, Any]], user: str) -> list[dict[str, Any]]:
    """The messages after `user` was forgotten, told naively."""
    for message in shown:
        if message["by"] == user:
            for name in ("mentions", "attachments", "meta", "reactions", "edited_ms", "edited_by"):
                message.pop(name, None)
            message |= {"by": "", "client_id": "", "text": "", "deleted": True}
        _unname(message, user)
    for root in shown:
        thread = [one for one in shown if one.get("thread") == root["seq"]]
        replies = [one for one in thread if "deleted" not in one]
        for name in ("replies", "last_reply_seq", "last_reply_ms"):
            root.pop(name, None)
        if replies:
            root["replies"] = len(replies)
            root["last_reply_seq"] = max(one["seq"] for one in replies)
            root["last_reply_ms"] = max(one["at_ms"] for one in replies)
    return shown


def _unname(message: dict[str, Any], user: str) -> None:
    if message.get("edited_by") == user:
        del message["edited_by"]
    mentions = [name for name in message.pop("mentions", []) if name != user]
    if mentions:
        message["mentions"] = mentions
    reactions = {}
    for emoji, under in message.pop("reactions", {}).items():
        by = [name for name in under["by"] if name != user]
        if by:
            reactions[emoji] = {"count": len(by), "by": by}
    if reactions:
        message["reactions"] = reactions


@many
@given(deeds=DEEDS, user=st.sampled_from(PEOPLE), split=st.integers(0, 25))
async def test_forgotten_person_is_gone_whenever_the_events_come(
    history: History, url: str, deeds: Any, user: str, split: int
) -> None:
    # Nobody but this example's people: who was forgotten stays so.
    ours = {name: f"{name}{next(number)}" for name in PEOPLE}
    room = f"room{next(number)}"
    log = [_renamed(event, ours) for event in story(room, deeds)]
    expected = without(as_now(log), ours[user])
    await history.append(entries_of(log[:split]))
    written = sum(isinstance(one, MessageCreated) and one.by == ours[user] for one in log[:split])
    assert await history.forget(ours[user]) == written
    assert await history.forget(ours[user]) == 0
    await history.append(entries_of(log[split:]))
    assert await pages(history, room) == expected
    before = await everything(url, room)
    await history.append(entries_of(log))
    assert await everything(url, room) == before
    anew = f"{room}anew"
    await history.append(entries_of([replace(event, room=anew) for event in log]))
    assert repr(await everything(url, anew)).replace(anew, room) == repr(before)
    rows = [row for table in before for row in table if row.get("seq") is not None]
    told = repr([{k: v for k, v in row.items() if k != "search_text"} for row in rows])
    assert f"'{ours[user]}'" not in told
    assert f'"{ours[user]}"' not in told


def _renamed(event: AnyLogEvent, ours: dict[str, str]) -> AnyLogEvent:
    event = replace(event, by=ours[event.by])
    if isinstance(event, MessageCreated | MessageEdited):
        event = replace(event, mentions=tuple(ours[name] for name in event.mentions))
    return event


async def test_forgetting_goes_on_beyond_one_step(history: History, url: str) -> None:
    await history.append(entries("lobby", 1200))
    common = {"room": "lobby", "by": "ben", "at_ms": 9, "id": "e", "client_id": "c"}
    named = [
        MessageCreated(n=seq + 1000, seq=seq, text="@ann", mentions=("ann",), **common)
        for seq in range(1201, 2401)
    ]
    await history.append(entries_of(named))
    assert await history.forget("ann") == 1200
    rows = repr(
        [row for table in await everything(url, "lobby") for row in table if row.get("seq")]
    )
    assert "'ann'" not in rows
    assert '"ann"' not in rows


async def test_who_comes_back_after_being_forgotten_is_heard(history: History) -> None:
    log = story("lobby", [("say", "ann", 1), ("say", "ann", 2), ("react", "ann", 0)])
    await history.append(entries_of(log[:1]))
    assert await history.forget("ann", until_ms=log[0].at_ms) == 1
    later = [replace(event, at_ms=log[0].at_ms + 1) for event in log[1:]]
    await history.append(entries_of(later))
    first, second = await pages(history, "lobby")
    assert (first["by"], second["by"]) == ("", "ann")


@many
@given(deeds=DEEDS, split=st.integers(0, 25), at_ms=st.integers(1000, 1013))
async def test_dropped_messages_leave_no_rows_and_do_not_come_back(
    history: History, url: str, deeds: Any, split: int, at_ms: int
) -> None:
    room = f"room{next(number)}"
    log = story(room, deeds)
    await history.append(entries_of(log[:split]))
    there = as_now(log[:split])
    kept_from = next((one["seq"] for one in there if one["at_ms"] >= at_ms), len(there) + 1)
    assert await history.drop_before(room, at_ms) == kept_from - 1
    assert await history.drop_before(room, at_ms) == 0
    await history.append(entries_of(log[split:]))
    await history.append(entries_of(log))
    assert await pages(history, room) == as_now(log)[kept_from - 1 :]
    assert await history.kept_from(room) == kept_from
    assert await history.newest_seq(room) == len(as_now(log))
    rows = [row for table in await everything(url, room) for row in table]
    assert all((row.get("seq") or kept_from) >= kept_from for row in rows)
    told = [event for event in log if (getattr(event, "seq", None) or kept_from) >= kept_from]
    assert [row async for row in history.events(room)] == [row_of(event) for event in told]


def row_of(event: AnyLogEvent) -> LogRow:
    entry = Entry.of(event, b"")
    return LogRow(entry.n, entry.kind, entry.seq, event.by)


async def test_dropping_goes_on_beyond_one_step(history: History) -> None:
    lobby = entries("lobby", 2500)
    await history.append(lobby)
    assert await history.drop_before("lobby", lobby[0].event.at_ms) == 0
    assert await history.drop_before("lobby", lobby[0].event.at_ms + 1) == 2500
    assert await history.page("lobby") == []
    assert await history.newest_seq("lobby") == 2500
    assert await history.drop_before("not there", 5) == 0
    assert await history.rooms() == ["lobby"]


async def test_state_tells_what_is_there_and_what_is_not(history: History) -> None:
    deeds = [("say", "ann", 0), ("say", "ben", 0), ("join", "ben", 0), ("delete", "ann", 0)]
    log = story("lobby", deeds)
    await history.append(entries_of(log))
    state = await history.state("lobby")
    assert (state.n, state.seq, state.events) == (4, 2, 4)
    assert (state.gaps, state.deleted, state.kept_from) == ((), (1,), 1)
    await history.append([entry._replace(n=entry.n + 10) for entry in entries_of(log[2:3])])
    assert (await history.state("lobby")).gaps == ((5, 12),)
    assert (await history.state("not there")) == (0, 0, 0, 1, (), ())


async def nothing_beyond() -> dict[str, int]:
    return {}


@pytest.mark.parametrize("minutes", [-5, 0, 5])
async def test_forgetting_by_position_does_not_depend_on_clocks(
    history: History, minutes: int
) -> None:
    """A worker's clock is ahead, or behind."""
    asked_ms = 1_000_000
    deeds = [("say", "ann", 1), ("react", "ann", 0), ("say", "ann", 2), ("react", "ann", 1)]
    log = [replace(one, at_ms=asked_ms + minutes * 60_000) for one in story("lobby", deeds)]
    placed = [entry._replace(partition=2, pos=10 + i) for i, entry in enumerate(entries_of(log))]
    ends = (0, 0, 12)

    async def rest() -> dict[str, int]:
        return {"lobby": log[2].n}

    await history.append(placed)
    erased = await history.forget("ann", until_ms=asked_ms, ends=ends, beyond=rest)
    assert erased == 1
    for _ in range(2):
        first, second = await pages(history, "lobby")
        assert (first["by"], first["text"], first.get("reactions")) == ("", "", None)
        assert (second["by"], second["text"] != "") == ("ann", True)
        assert second["reactions"]
        # Kafka delivers all of it again.
        await history.append(placed)


async def test_what_is_stored_after_forgetting_is_erased_by_its_position(history: History) -> None:
    log = [replace(one, at_ms=5) for one in story("lobby", [("say", "ann", 1), ("say", "ann", 2)])]
    before, after = (
        entry._replace(partition=1, pos=7 + i) for i, entry in enumerate(entries_of(log))
    )
    await history.forget("ann", until_ms=9, ends=(0, 8), beyond=nothing_beyond)
    await history.append([before, after])
    first, second = await pages(history, "lobby")
    assert (first["by"], second["by"]) == ("", "ann")


async def test_an_erasure_by_time_of_before_keeps_its_meaning(history: History) -> None:
    log = [
        replace(one, at_ms=at_ms)
        for at_ms, one in zip((5, 15), story("lobby", [("say", "ann", 1)] * 2), strict=True)
    ]
    await history.forget("ann", until_ms=9)
    placed = [entry._replace(partition=1, pos=7 + i) for i, entry in enumerate(entries_of(log))]
    await history.append(placed)
    first, second = await pages(history, "lobby")
    assert (first["by"], second["by"]) == ("", "ann")


async def test_an_erasure_that_was_interrupted_is_finished_by_the_next(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = story("lobby", [("say", "ann", 1), ("react", "ann", 0)])
    placed = [entry._replace(partition=0, pos=i) for i, entry in enumerate(entries_of(log))]
    await history.append(placed)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(Erasure, "reactions", _interrupt)
        with pytest.raises(Interrupted):
            await history.forget("ann", until_ms=1, ends=(2,), beyond=nothing_beyond)
    await history.forget("ann", until_ms=1, ends=(2,), beyond=nothing_beyond)
    assert "reactions" not in (await pages(history, "lobby"))[0]


class Interrupted(Exception):
    """The process was ended."""


def _interrupt(*_: object) -> None:
    raise Interrupted
