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
