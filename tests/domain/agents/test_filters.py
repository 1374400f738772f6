"""Which events reach a handler."""

import re

import pytest

from app.domain.agents.causes import client_id
from app.domain.agents.filters import Authors, Filter

OWN, OTHER, PERSON = client_id("me", 1, "x"), client_id("you", 1, "x"), "c-1"


@pytest.mark.parametrize(
    ("pattern", "room", "passes"),
    [
        ("*", "anything", True),
        ("team-*", "team-1", True),
        ("team-*", "my-team-1", False),
        ("lobby", "lobby", True),
        ("lobby", "lobby2", False),
        ("r[0-9]", "r7", True),
    ],
)
def test_a_room_pattern_is_that_of_a_shell(pattern: str, room: str, passes: bool) -> None:
    found = Filter("me", "message.created", pattern).match(room, PERSON, "")
    assert (found is not None) == passes


@pytest.mark.parametrize(
    ("by", "passing"),
    [("people", {PERSON}), ("agents", {OTHER}), ("all", {PERSON, OTHER})],
)
def test_an_agent_gets_the_authors_that_it_wants_and_never_itself(
    by: Authors, passing: set[str]
) -> None:
    chosen = Filter("me", "message.created", authors=by)
    found = {one for one in (OWN, OTHER, PERSON) if chosen.match("r", one, "") is not None}
    assert found == passing


def test_the_named_groups_of_a_text_are_found_anywhere_in_it() -> None:
    chosen = Filter("me", "message.created", text=re.compile(r"(?P<who>\w+)\+\+(?P<why> for)?"))
    assert chosen.match("r", PERSON, "well, ben++ then") == {"who": "ben", "why": None}
    assert chosen.match("r", PERSON, "well, ben+") is None
