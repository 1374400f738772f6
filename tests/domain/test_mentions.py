from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.mentions import MOST, named


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("hi @ann", {"ann"}),
        ("@ann, @ben: look", {"ann", "ben"}),
        ("(@edwinp[m])", {"edwinp[m]"}),
        ("@大家好\uff01", {"大家好"}),
        ("mail ann@ben.example", set()),
        ("`@ann` and ```\n@ben\n```", set()),
        ("@@ann", set()),
        ("@", set()),
        ("@LiMp^.", {"LiMp^"}),
    ],
)
def test_names_are_found_with_and_without_what_stands_after_them(
    text: str, members: set[str]
) -> None:
    everybody = {"ann", "ben", "edwinp[m]", "大家好", "LiMp^"}
    assert set(named(text)) & everybody == members


@given(st.text())
def test_any_text_names_a_bounded_number(text: str) -> None:
    assert len(named(text)) <= 2 * MOST


def test_a_thousand_names_are_not_looked_up() -> None:
    assert len(named(" ".join(f"@user{i}" for i in range(1000)))) <= 2 * MOST
