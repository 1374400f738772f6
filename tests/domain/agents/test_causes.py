"""Client ids of agents' commands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import names
from app.domain.agents.causes import MOST_HOPS, NAME, Author, author, client_id

NAMES = st.from_regex(NAME, fullmatch=True)
CAUSES = st.lists(st.text() | st.integers(), min_size=1, max_size=4)


@given(NAMES, st.integers(0, MOST_HOPS), CAUSES)
def test_an_id_is_one_that_rooms_take_and_tells_its_agent(
    name: str, hops: int, cause: list[object]
) -> None:
    made = client_id(name, hops, *cause)
    assert names.client_id(made) is None
    assert author(made) == Author(name, hops)


@given(NAMES, CAUSES, CAUSES)
def test_the_same_cause_has_the_same_id_and_another_has_another(
    name: str, one: list[object], other: list[object]
) -> None:
    same = client_id(name, 1, *one) == client_id(name, 1, *other)
    assert same == (one == other)


@given(st.text())
def test_what_a_client_made_up_is_no_agents(text: str) -> None:
    assert author(text) is None


def test_a_chain_of_agents_that_answer_each_other_ends() -> None:
    with pytest.raises(ValueError, match="chain longer than 5"):
        client_id("ping", MOST_HOPS + 1, "cause")
