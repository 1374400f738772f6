"""An event that a store can't take becomes a dead letter; the others are stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy.exc import IntegrityError, OperationalError

from app.delivery.publisher import Publisher
from app.events import Reported, Verdict, encode
from app.history.outage import about_values
from app.history.store import History
from app.kafka.record import Record
from app.settings import Settings
from app.stream.poison_isolation import apply_isolating
from app.topics import LOG, MODERATION, VERDICTS, partition_of
from tests.delivery.conftest import message, opened
from tests.support.agents import Buried, running
from tests.support.chat import until

ROOM = "by-itself"
P = partition_of(ROOM, 8)


@pytest.fixture
async def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[History]:
    """An empty history store that both agents write to."""
    store = History(f"sqlite+aiosqlite:///{tmp_path}/history.db")
    await store.open()
    for name in ("archive", "review"):
        monkeypatch.setattr(f"agents.{name}.history", lambda: store)
    yield store
    await store.close()


async def test_the_archive_buries_what_no_column_takes(
    bench: Settings, history: History, buried: Buried
) -> None:
    from agents.archive import archive

    events = [opened(ROOM), message(ROOM, 2, 1), message(ROOM, 10**30, 2), message(ROOM, 3, 2)]
    async with running(archive) as put:
        for offset, event in enumerate(events, 300):
            await put(ROOM.encode(), encode(event), P, offset)
        elsewhere = (P + 1) % 8
        await put(ROOM.encode(), encode(message(ROOM, 4, 3)), elsewhere, 304)
        large, wrong_partition = (LOG, P, 302), (LOG, elsewhere, 304)
        dead = await buried("parley-archive", large, wrong_partition)
    assert "too large" in dead[large]
    assert "another partition" in dead[wrong_partition]
    assert await history.newest_seq(ROOM) == 2


async def test_the_review_buries_what_no_column_takes(
    bench: Settings, history: History, buried: Buried
) -> None:
    from agents.review import review

    report = Reported(
        id="a", by="ann", at_ms=1, room=ROOM, seq=1, author="ben", text="x", reason="y"
    )
    acts = [report, replace(report, id="b", at_ms=10**30), replace(report, id="c")]
    async with running(review) as put:
        for offset, act in enumerate(acts, 400):
            await put(ROOM.encode(), encode(act), P, offset)
        place = (MODERATION, P, 401)
        assert "too large" in (await buried("parley-archive", place))[place]

        async def there() -> bool:
            return len(await history.account([ROOM])) == 2

        await until(there, within=10)


async def test_answers_go_on_past_one_that_fails(
    bench: Settings, buried: Buried, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents.answers import answers

    told: list[str] = []

    async def answer(self: Publisher, verdicts: list[Verdict]) -> None:
        if any(verdict.id == "bad" for verdict in verdicts):
            raise RuntimeError("this one")
        told.extend(verdict.id for verdict in verdicts)

    monkeypatch.setattr(Publisher, "answer", answer)
    async with running(answers) as put:
        for offset, name in enumerate(["one", "bad", "two"], 500):
            verdict = Verdict(id=name, room=ROOM, by="ann", client_id="c", edge="e")
            await put(ROOM.encode(), encode(verdict), P, offset)
        place = (VERDICTS, P, 501)
        assert "this one" in (await buried("parley-fan_out", place))[place]
    assert told == ["one", "two"]


class Graves:
    """A batch of which only what is buried counts."""

    def __init__(self) -> None:
        self.buried: list[int] = []

    def dead_letter(self, record: Record, reason: str) -> None:
        self.buried.append(record.offset)


@pytest.mark.parametrize(
    ("error", "dead"),
    [
        (OperationalError("no such column", None, Exception()), None),
        (OverflowError("too large"), [2]),
        (IntegrityError("not null", None, Exception()), [2]),
    ],
)
async def test_what_is_wrong_with_the_store_buries_nothing(
    error: Exception, dead: list[int] | None
) -> None:
    graves: Any = Graves()

    async def action(values: list[int]) -> None:
        if 2 in values:
            raise error

    pairs = [(Record(LOG, P, offset, b"", b"", ()), offset) for offset in range(4)]
    doing = apply_isolating(graves, "history", action, pairs, about_values)
    if dead is None:
        with pytest.raises(type(error)):
            await doing
    else:
        await doing
    assert graves.buried == (dead or [])
