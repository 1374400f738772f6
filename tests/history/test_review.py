"""The review queue in both databases: repeated events, pages, forgotten users."""

from __future__ import annotations

import random

from app.domain.review import item_of
from app.events import AnyAct, Finding, Held, Reported, Reviewed, Ruled, Ruling, SendMessage
from app.history.store import History

RULING = Ruling("hold", 1, (Finding("hold", "some", "because"),))


def held(number: int, by: str = "ann", room: str = "tea") -> Held:
    message = SendMessage(
        room=room, by=by, id=f"m{number}", client_id=f"c{number}", text=f"{number}"
    )
    return Held(id=f"m{number}", by=by, at_ms=number, room=room, message=message, ruling=RULING)


def reported(seq: int, by: str, at_ms: int) -> Reported:
    return Reported(
        id=f"{seq}-{by}", by=by, at_ms=at_ms, room="tea", seq=seq, author="ann", text=f"said {seq}"
    )


def reviewed(act: AnyAct, action: str, at_ms: int) -> Reviewed:
    item = item_of(act)
    return Reviewed(
        id=f"{item}-{at_ms}", by="mod", at_ms=at_ms, room="tea", item=item, action=action
    )


STORY: list[AnyAct] = [
    *(held(number) for number in range(1, 8)),
    held(8, room="garden"),
    reported(1, "ben", 20),
    reported(1, "cid", 21),
    reported(2, "ben", 22),
    reviewed(held(3), "approve", 30),
    reviewed(reported(1, "ben", 0), "dismiss", 31),
    reported(1, "dot", 32),
    reviewed(reported(2, "ben", 0), "remove", 33),
    reported(2, "eve", 34),
    Ruled(id="r1", by="ann", at_ms=40, room="tea", client_id="x", text="cuss", ruling=RULING),
]


async def all_of(history: History, status: str = "") -> list[tuple[str, str, int]]:
    items = await history.queue(None, status, limit=100)
    return [(item.id, item.status, len(item.reports)) for item in items]


async def test_acts_that_come_again_leave_what_they_left_once(history: History) -> None:
    await history.record(STORY)
    before = await all_of(history)
    chance = random.Random(3)
    for _ in range(5):
        start = chance.randrange(len(STORY))
        await history.record(STORY[start:])
    assert await all_of(history) == before
    statuses = {status for _, status, _ in before}
    assert statuses == {"open", "approved", "removed"}
    reopened = await history.item("report-tea-1")
    assert reopened is not None
    assert (reopened.status, [d.action for d in reopened.decisions]) == ("open", ["dismiss"])
    assert [report.by for report in reopened.reports] == ["ben", "cid", "dot"]


async def test_the_queue_and_the_account_page_without_a_gap(history: History) -> None:
    await history.record(STORY)
    seen: list[str] = []
    after = (0, "")
    while page := await history.queue(["tea"], after=after, limit=2):
        seen += [item.id for item in page]
        after = (page[-1].at_ms, page[-1].id)
    assert seen == [i.id for i in await history.queue(["tea"], limit=100)]
    assert len(seen) == len(set(seen)) == 7
    assert [i.room for i in await history.queue(["garden"])] == ["garden"]
    whole = await history.account(None, limit=100)
    first = await history.account(None, limit=4)
    rest = await history.account(None, before=first[-1][0], limit=100)
    assert first + rest == whole
    assert len(whole) == len(STORY)


async def test_who_is_forgotten_is_in_no_item_and_comes_back_with_no_rebuild(
    history: History,
) -> None:
    await history.record(STORY)
    await history.forget("ann", until_ms=1000)
    for _ in range(2):
        items = await history.queue(None, "", limit=100)
        assert all(item.text == item.author == "" for item in items)
        assert all(item.message is None for item in items)
        acts = [act for _, act in await history.account(None, limit=100)]
        assert not any(isinstance(act, Ruled | Held) for act in acts)
        await history.record(STORY)
    later = held(2000)
    await history.record([later])
    found = await history.item(item_of(later))
    assert found is not None
    assert found.text == "2000"
