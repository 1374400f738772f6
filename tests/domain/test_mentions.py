from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import names
from app.domain.mentions import (
    EVERYONE,
    MOST,
    MOST_SIGNS,
    Names,
    called,
    mentioned,
    mentions,
    same,
)

VECTORS = json.loads(Path(__file__).with_name("mentions.json").read_text("utf-8"))


class Counted(Names):
    """Names that count how often they are asked."""

    asked = 0

    def find(self, written: str, key: str) -> str | None:
        self.asked += 1
        return super().find(written, key)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["text"])
def test_the_longest_members_name_at_each_sign_is_mentioned(vector: dict[str, Any]) -> None:
    text = vector["text"]
    known = Names(vector.get("members", VECTORS["members"]))
    found = [[text[one.start : one.end], one.user] for one in mentions(text, known)]
    assert found == vector["marks"]


USER = st.text(min_size=1, max_size=12).filter(lambda name: names.user(name) is None)
#: What may stand before an `@` and behind a name, so that the name is mentioned.
BEFORE = st.sampled_from(["", " ", "(", "**", "你好", "さん", "，", ",", "\n", "👍"])
BEHIND = st.sampled_from(["", " ", ")", "**", "，你好", "’s", "'s", ".", "!", "：", "\n", "?"])


@given(BEFORE, USER, BEHIND, st.sampled_from(["@", "＠", "﹫"]))
def test_every_name_is_mentioned_wherever_its_at_may_stand(
    before: str, user: str, behind: str, sign: str
) -> None:
    assert mentioned(f"{before}{sign}{user}{behind}", Names([user])).users == (user,)


@given(USER, st.sampled_from("abzÄя0é"))
def test_a_name_within_a_longer_word_and_an_address_are_no_mention(user: str, letter: str) -> None:
    assert mentioned(f"{letter}@{user}", Names([user])).users == ()
    longer = mentioned(f"@{letter}{letter}", Names([letter]))
    assert longer.users == ()


@given(st.text(), st.sets(USER, max_size=5))
def test_mentions_are_spans_in_order_that_name_members(text: str, users: set[str]) -> None:
    end = 0
    for one in mentions(text, Names(users)):
        assert end <= one.start < one.end <= len(text)
        assert text[one.start] in "@＠﹫"
        written = same(text[one.start + 1 : one.end])
        assert written in EVERYONE if not one.user else one.user in users
        assert not one.user or written == same(one.user)
        end = one.end


@given(st.sets(USER, min_size=1, max_size=8), st.data())
def test_names_that_come_and_go_are_as_if_made_anew(users: set[str], data: Any) -> None:
    """Added twice, removed twice: the same."""
    gone = data.draw(st.sets(st.sampled_from(sorted(users))))
    known = Names([*users, *users])
    for name in [*gone, *gone]:
        known.discard(name)
    anew = Names(users - gone)
    assert len(known) == len(anew)
    for name in users:
        for written in (name, name.upper(), name.lower()):
            assert known.find(written, same(written)) == anew.find(written, same(written))


def test_a_thousand_names_mention_fifty_and_any_text_is_looked_at_a_bounded_number_of_times() -> (
    None
):
    users = [f"user{i}" for i in range(1000)]
    text = " ".join(f"@{user}" for user in users)
    assert mentioned(text, Names(users)).users == tuple(users[:MOST])
    for one in ("@,", "@你", " @" + "你" * 64, "@" * 2, "@ann"):
        # With names that begin as these words do: others are not asked about.
        counted = Counted(["ann", ",x", "你x"])
        list(mentions(one * (4000 // len(one)), counted))
        assert counted.asked <= MOST_SIGNS * 64


@given(st.text(), st.text())
def test_the_beginning_of_a_name_is_the_beginning_of_what_is_the_same(one: str, other: str) -> None:
    assert same(one + other) == same(one) + same(other)
    assert same(one.lower()) == same(one.upper()) or "\u0130" in one or "\u0345" in one


def test_the_words_that_a_text_calls_are_those_behind_its_signs() -> None:
    assert called("@ben,@eva: ＠小明，你好 (@ann's)") == ("ben", "eva", "小明，你好", "ann's")
    assert called("ann@ben.example `@ben` @ @@x https://ben.example/@ben") == ()
