from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from app.domain.roles import LEAST, ROLES, may, may_act_on, may_give

PAGE = Path(__file__).parents[2] / "docs" / "roles.md"


def test_the_page_has_the_table() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| `([a-z]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert dict(rows) == LEAST
    assert len(rows) == len(LEAST)


@given(st.sampled_from(ROLES), st.sampled_from(ROLES), st.sampled_from(sorted(LEAST)))
def test_a_higher_role_may_whatever_a_lower_one_may(one: str, other: str, action: str) -> None:
    higher, lower = sorted((one, other), key=ROLES.index, reverse=True)
    assert may(higher, action) or not may(lower, action)


@given(st.sampled_from(ROLES), st.sampled_from(ROLES))
def test_nobody_acts_on_their_equals_or_gives_their_own_role(one: str, other: str) -> None:
    assert may_act_on(one, other) == (ROLES.index(one) > ROLES.index(other))
    assert not may_give(one, one)
