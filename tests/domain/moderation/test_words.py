from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.moderation.folding import Folded
from app.domain.moderation.lexicon import Lexicon
from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import RuleSet, parse
from app.domain.moderation.ruling import judge, masked
from bench.evasions import score
from tests.domain.moderation.kinds import KINDS

MILD = Lexicon(["darn", "heck", "bad phrase", "blimey*", "笨蛋", "13点"])
CORPUS = Path(__file__).parents[3].parent / "shared" / "corpus" / "words"


def found(text: str) -> list[tuple[str, str]]:
    """Phrase and what of the original it covers."""
    return [(one.phrase, text[one.start : one.end]) for one in MILD.search(text, Folded(text))]


@pytest.mark.parametrize(
    ("text", "phrase", "covered"),
    [
        ("oh, DARN!", "darn", "DARN"),
        ("so d\u200bа\u0301rn it", "darn", "d\u200bа\u0301rn"),
        ("ｈｅｃｋ", "heck", "ｈｅｃｋ"),
        ("d 4 r n!", "darn", "d 4 r n"),
        ("daaaarnnn, no", "darn", "daaaarnnn"),
        ("a bad\n  Phrase.", "bad phrase", "bad\n  Phrase"),
        ("blimeyness", "blimey*", "blimeyness"),
        ("你這個笨.蛋啊", "笨蛋", "笨.蛋"),
        ("他13點了", "13点", "13點"),
        ("𝐝𝐚𝐫𝐧", "darn", "𝐝𝐚𝐫𝐧"),
    ],
)
def test_a_phrase_is_found_in_disguise_with_its_place(text: str, phrase: str, covered: str) -> None:
    assert found(text) == [(phrase, covered)]


@pytest.mark.parametrize(
    "text", ["darning", "checkers", "bad, phrase", "hecktic", "213点", "", "笨手蛋", "he'ck no"]
)
def test_what_only_looks_like_it_is_not_found(text: str) -> None:
    assert found(text) == []


@given(st.text(max_size=80))
def test_any_text_can_be_searched_and_places_lie_within_it(text: str) -> None:
    for one in MILD.search(text, Folded(text)):
        assert 0 <= one.start < one.end <= len(text)


@given(st.lists(st.sampled_from(["darn", "DАRN", "ok", "笨 蛋", "h\u200beck", "!"]), max_size=8))
def test_what_is_masked_has_nothing_left_to_find(words: list[str]) -> None:
    rules = parse('[words]\naction = "mask"\nwords = ["darn", "heck", "笨蛋"]', {}, KINDS)
    text = " ".join(words)
    verdict = judge(Message("r", "ann", text), Facts(), rules)
    covered = text if verdict is None else masked(text, verdict)
    assert len(covered) == len(text)
    assert judge(Message("r", "ann", covered), Facts(), rules) is None


def test_at_least_95_percent_of_the_evasions_are_caught_and_no_innocent_text() -> None:
    result = score()
    assert (result.evasions, result.innocent) == (200, 200)
    assert result.recall >= 0.95, result.missed
    assert result.wronged == []


@pytest.mark.parametrize("name", ["en", "zh"])
def test_every_phrase_of_a_real_list_is_found_by_itself(name: str) -> None:
    file = CORPUS / f"{name}.txt"
    if not file.is_file():
        pytest.skip(f"no word list at {file}")
    phrases = [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
    lexicon = Lexicon(phrases)
    missed = [phrase for phrase in phrases if not lexicon.search(phrase, Folded(phrase))]
    assert missed == []


def test_a_rule_set_without_rules_lets_all_pass() -> None:
    assert judge(Message("r", "ann", "darn"), Facts(), RuleSet()) is None
