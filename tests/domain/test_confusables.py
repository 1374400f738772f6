from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.confusables import Looks, flagged
from app.domain.moderation.folding import look_alikes

USER = st.text("annIl1O0rmvwАпеü小", min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "\u0430nn"),
        ("Ian", "lan"),
        ("ian", "Ian"),
        ("Olaf", "0laf"),
        ("modern", "modem"),
        ("ann", "ａｎｎ"),
        ("\u041e\u043b\u044c\u0433\u0430", "O\u043b\u044c\u0433\u0430"),
    ],
)
def test_names_that_can_be_taken_for_one_another_are_flagged(one: str, other: str) -> None:
    assert flagged([one, other, "eva"]) == {one: other, other: one}


@pytest.mark.parametrize(("one", "other"), [("ann", "anna"), ("zoe", "zoë"), ("小明", "小朋")])
def test_names_that_differ_to_the_eye_are_not(one: str, other: str) -> None:
    assert flagged([one, other]) == {}


def test_every_look_alike_of_a_letter_is_flagged() -> None:
    # In lower case, too: a capital may look like another letter than its small one.
    pairs = look_alikes().items()
    assert [one for one, letter in pairs if not flagged([f"x{letter}", f"x{one}"])] == []


@given(st.lists(USER, max_size=8), st.data())
def test_looks_that_come_and_go_are_as_if_made_anew(users: list[str], data: st.DataObject) -> None:
    gone = data.draw(st.lists(st.sampled_from(users))) if users else []
    known = Looks([*users, *users])
    for user in [*gone, *gone]:
        known.discard(user)
    anew = Looks(set(users) - set(gone))
    assert [known.alike(user) for user in users] == [anew.alike(user) for user in users]
