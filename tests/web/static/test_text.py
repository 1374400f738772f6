"""Texts are cut between characters as a reader sees them."""

from __future__ import annotations

import pytest

from tests.support.page_modules import evaluate

FAMILY = "👩‍👩‍👧‍👦"
FLAG = "🇨🇭"
NFD = "e\u0301"


@pytest.mark.parametrize("one", [FAMILY, FLAG, NFD, "क्षि", "a", "한", "\U0001f600"])
def test_a_cut_leaves_each_character_whole(one: str) -> None:
    answer = "cases.map(([text, most]) => [page.cut(text, most), page.cutStart(text, most)])"
    cases = [[one * 10, count] for count in range(12)]
    found = evaluate("lib/text.js", answer, cases)
    assert found == [[one * min(count, 10)] * 2 for count in range(12)]


def test_a_character_without_end_is_cut_all_the_same() -> None:
    cases = ["a" + "\u0301" * 100_000]
    (found,) = evaluate("lib/text.js", "cases.map((text) => page.cut(text, 100))", cases)
    assert len(found) <= 2000
