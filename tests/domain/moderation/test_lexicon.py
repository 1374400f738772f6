"""The search for phrases against a plain one, and its cost for texts that are made to be slow."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.moderation.folding import Folded
from app.domain.moderation.lexicon import Lexicon
from app.domain.moderation.readings import Readings
from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import parse
from app.domain.moderation.ruling import judge
from bench.evasions import evasions, innocent, words
from bench.worst_cases import SIZE, worst_cases
from tests.domain.moderation import plain_lexicon
from tests.domain.moderation.kinds import KINDS

#: Pieces with every disguise, in several alphabets, and with all kinds of joints.
_PIECES = ["a", "b", "l", "1", "x", "aa", "xx", "aaa", "0", "4", "$", "@", "!", "é", "а", "х"]
_PIECES += ["笨", "蛋", "·", " ", " ", ".", "-", "'", "\n", "ก", "\u200b", "ff"]
_PIECES += ["ß", "İ", "ﷺ", "Я", "3"]
_TEXTS = st.lists(st.sampled_from(_PIECES), max_size=40).map("".join)
_PHRASES = st.lists(
    st.tuples(
        st.sampled_from(["", "*"]),
        st.lists(st.sampled_from(_PIECES), min_size=1, max_size=5).map("".join),
        st.sampled_from(["", "*"]),
    ).map("".join),
    min_size=1,
    max_size=12,
)


def both(phrases: list[str], text: str) -> None:
    plain = plain_lexicon.Lexicon(phrases).search(text, Folded(text))
    assert [tuple(one) for one in Lexicon(phrases).search(text, Folded(text))] == [
        tuple(one) for one in plain
    ]


@given(_PHRASES, _TEXTS)
def test_it_finds_exactly_what_a_plain_search_finds(phrases: list[str], text: str) -> None:
    both(phrases, text)


@given(_PHRASES, st.text(max_size=60))
def test_it_finds_in_any_text_what_a_plain_search_finds(phrases: list[str], text: str) -> None:
    both(phrases, text)


@given(st.integers(0, 2**32))
def test_phrases_cut_from_the_text_are_found_as_by_a_plain_search(seed: int) -> None:
    chance = random.Random(seed)
    text = "".join(chance.choices(_PIECES, k=chance.randint(1, 150)))
    phrases = []
    for _ in range(chance.randint(1, 30)):
        start = chance.randrange(len(text))
        cut = text[start : start + chance.randint(1, 12)]
        phrases.append(chance.choice(["", "*"]) + cut + chance.choice(["", "*"]))
    both(phrases, text)


def test_evasions_and_innocent_texts_are_found_as_by_a_plain_search() -> None:
    for phrases in (words(), [f"*{word}*" for word in words()], [f"{word}*" for word in words()]):
        ours, plain = Lexicon(phrases), plain_lexicon.Lexicon(phrases)
        for text in (*(text for _, text in evasions()), *innocent()):
            found = [tuple(one) for one in ours.search(text, Folded(text))]
            assert found == [tuple(one) for one in plain.search(text, Folded(text))]


@pytest.mark.parametrize("name", worst_cases())
def test_a_long_message_costs_little_whatever_the_rules_are(name: str) -> None:
    rules, text = worst_cases()[name]
    judge(Message("", "", "w4rm uppp w a r m"), Facts(), rules)
    assert len(text) <= SIZE
    took = []
    for _ in range(3):
        started = time.perf_counter()
        judge(Message("tea", "ann", text), Facts(), rules)
        took.append(time.perf_counter() - started)
    # Far above what it takes, far below what a search does that is not linear.
    assert min(took) < 0.1


def test_the_cost_of_a_text_grows_no_faster_than_its_length() -> None:
    lexicon = Lexicon(["blimey*", "*x*", "*xx*", "y"])
    for unit in ("blimey", "x", "y y", "bl1mey ", "x x"):
        took = []
        for times in (1_000, 8_000):
            text = unit * (times // len(unit))
            best = 1.0
            for _ in range(9):
                started = time.thread_time()
                lexicon.search_within(Readings(text, Folded(text)))
                best = min(best, time.thread_time() - started)
            took.append(best)
        assert took[1] < 8 * 3 * took[0], unit


@pytest.mark.parametrize("action", ["mask", "hide", "hold", "refuse"])
def test_a_message_that_costs_too_much_is_not_published(action: str) -> None:
    nested = [f"*{'x' * size}*" for size in range(1, 300)]
    rules = parse(f"[words]\naction = '{action}'\nfiles = ['x']", {"x": nested}, KINDS)
    found = judge(Message("tea", "ann", "x" * 4000), Facts(), rules)
    assert found is not None
    assert found.action == ("hold" if action == "mask" else action)


def test_what_costs_too_much_and_is_not_known_to_match_is_held_with_a_reason() -> None:
    # The words are parts of longer ones and so don't match, but each has to be looked at.
    nested = ["x" * size for size in range(1, 300)]
    rules = parse("[words]\nfiles = ['x']", {"x": nested}, KINDS)
    found = judge(Message("tea", "ann", "x" * 4000), Facts(), rules)
    assert found is not None
    assert (found.action, found.findings[0].rule) == ("hold", "words")
    assert "moderator" in found.findings[0].reason


def test_a_long_message_that_a_cheap_rule_refuses_is_not_searched() -> None:
    nested = [f"*{'x' * size}*" for size in range(1, 300)]
    source = "[words]\nfiles = ['x']\n[length]\ncharacters = 2000"
    rules = parse(source, {"x": nested}, KINDS)
    found = judge(Message("tea", "ann", "x" * 4000), Facts(), rules)
    assert found is not None
    assert [one.rule for one in found.findings] == ["length"]


@pytest.mark.parametrize("word", ["блин", "ηλίθιος", "βλάκας", "бублик", "дурак", "idiot", "ёлки"])
def test_a_word_is_found_in_small_letters_and_in_capitals_whichever_the_list_has(word: str) -> None:
    for listed in (word, word.capitalize(), word.upper()):
        lexicon = Lexicon([listed])
        for text in (word, word.capitalize(), word.upper()):
            [found] = lexicon.search(f"so, {text}!", Folded(f"so, {text}!"))
            assert (found.start, found.end) == (4, 4 + len(text))


def test_a_word_of_another_alphabet_is_not_found_in_a_latin_word_that_its_capitals_look_like() -> (
    None
):
    assert Lexicon(["βοα"]).search("a boa", Folded("a boa")) == []
