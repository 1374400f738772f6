"""What events do to a message on the page."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.page_modules import evaluate

# Names that every JavaScript object has already, and others.
NAMES = ["constructor", "__proto__", "toString", "hasOwnProperty", "ann", "👍"]

APPLY = "cases.map((events) => events.reduce(page.applyChange, { seq: 1, text: 'Hello' }))"

Event = dict[str, Any]

steps = st.tuples(
    st.sampled_from(["added", "removed"]), st.sampled_from(NAMES), st.sampled_from(NAMES)
)


def reactions_of(events: list[Event]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for event in events:
        users = found.setdefault(event["emoji"], set())
        (users.add if event["kind"].endswith("added") else users.discard)(event["by"])
    return {emoji: users for emoji, users in found.items() if users}


@settings(max_examples=1)
@given(st.lists(st.lists(steps, max_size=12), min_size=200, max_size=200))
def test_reactions_and_people_may_have_any_name(
    all_steps: list[list[tuple[str, str, str]]],
) -> None:
    cases = [
        [
            {"kind": f"reaction.{what}", "seq": 1, "emoji": emoji, "by": by}
            for what, emoji, by in one
        ]
        for one in all_steps
    ]
    for events, message in zip(
        cases, evaluate("messages/message-changes.js", APPLY, cases), strict=True
    ):
        shown = message.get("reactions", {})
        assert {emoji: set(one["by"]) for emoji, one in shown.items()} == reactions_of(events)
        assert all(one["count"] == len(one["by"]) for one in shown.values())


def test_an_event_of_any_kind_changes_nothing_it_does_not_name() -> None:
    kinds = [{"kind": name, "seq": 3} for name in ("constructor", "__proto__", "room.changed")]
    answer = "cases.map(page.changedSeq)"
    assert evaluate("messages/message-changes.js", answer, kinds) == [0, 0, 0]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.data())
@settings(max_examples=20)
def test_replies_are_counted_by_their_number_whatever_the_clock_says(
    times: list[int], data: st.DataObject
) -> None:
    replies = [
        {"kind": "message.created", "thread": 1, "seq": 2 + index, "at_ms": at_ms}
        for index, at_ms in enumerate(times)
    ]
    # A page out of history counts the first ones; the stream repeats some, and has the others.
    known = data.draw(st.integers(0, len(replies)))
    repeated = data.draw(st.integers(0, known))
    root = {"seq": 1, "text": "Who comes?"}
    if known:
        last = max(times[:known])
        root |= {"replies": known, "last_reply_seq": 1 + known, "last_reply_ms": last}
    answer = "cases.events.reduce(page.applyChange, cases.root).replies"
    cases = {"root": root, "events": replies[repeated:]}
    assert evaluate("messages/message-changes.js", answer, cases) == len(replies)
