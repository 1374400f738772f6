"""A rule file is read in a time that is in proportion to its length."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.moderation.ruleset import RuleMistake, parse
from app.domain.moderation.toml_limits import form_flaw
from tests.domain.moderation.kinds import KINDS

_SIZE = 60_000

HOSTILE = {
    "a dotted key": "a" + ".a" * (_SIZE // 2) + " = 1",
    "a dotted key with spaces": "a" + " . a" * (_SIZE // 4) + " = 1",
    "a dotted key of strings": "''" + ".''" * (_SIZE // 3) + " = 1",
    "a dotted key of quoted dots": '"a.b"' + '."\\".a"' * (_SIZE // 7) + " = 1",
    "a dotted heading": "[" + "a." * (_SIZE // 4) + "a]\n" + "b = 1\n" * (_SIZE // 12),
    "many dotted keys": "\n".join(f"k{i}" + ".a" * 300 + " = 1" for i in range(_SIZE // 600)),
    "a dotted key in an inline table": "x = {a" + ".a" * (_SIZE // 2) + " = 1}",
    "nested arrays": "a = " + "[" * _SIZE,
    "nested tables": "a = " + "{a=" * (_SIZE // 3),
    "a number": "a = " + "1" * _SIZE,
    "open quotes": 'a = """' + '\\"""' * (_SIZE // 4),
    "quotes": "'" * _SIZE,
    "escapes": 'a = "' + "\\" * _SIZE,
    "comments": "#\n" * (_SIZE // 2),
    "dots": "." * _SIZE,
    "spaces": "a." + " " * _SIZE,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_made_to_be_slow_is_read_in_no_time(name: str) -> None:
    began = time.perf_counter()
    with suppress(RuleMistake):
        parse(HOSTILE[name], {}, KINDS)
    assert time.perf_counter() - began < 1.0


def test_a_key_that_is_too_long_is_named_with_its_line() -> None:
    with pytest.raises(RuleMistake) as caught:
        parse("# first\n[words]\na" + ".a" * 20 + " = 1\n", {}, KINDS)
    assert caught.value.line == 3
    assert "parts" in caught.value.reason


def test_dots_and_brackets_in_strings_and_comments_are_no_keys_and_no_nesting() -> None:
    dots, brackets = "a.b.c.d.e.f.g.h.i.j.k", "[" * 50
    source = (
        f"# {dots} {brackets}\n[words]\n"
        f"words = ['{dots}', \"{brackets}\", '''{brackets}\n{dots}''']"
        f'\nreason = """{dots}\n\\""" {brackets}"""\n'
    )
    assert len(parse(source, {}, KINDS).rules) == 1


@given(st.text(alphabet=".ab \"'\\\n#[]{}=1", max_size=60))
def test_any_text_is_a_rule_set_or_a_mistake(source: str) -> None:
    assert form_flaw(source) is None or form_flaw(source)[0] >= 1  # type: ignore[index]
    with suppress(RuleMistake):
        parse(source, {}, KINDS)
