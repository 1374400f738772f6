"""Messages that are made to be slow to judge, each with the rules that it is made for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from app.domain.moderation.ruleset import RuleSet, parse
from app.moderation.rule_plugins import rule_kinds

#: Characters of each message.
SIZE = 5_000


@cache
def worst_cases() -> dict[str, tuple[RuleSet, str]]:
    """By name: the rules, and the message."""
    nested = _words([f"*{'x' * size}*" for size in range(1, 300)])
    plain = _words(["x" * size for size in range(1, 300)])
    open_end = _words(["blimey*"])
    usual = _words(["damn", "hell", "ass", "blimey*", "*wank*", "bad phrase", "笨蛋"])
    fifty = (f"[[words]]\nwords = ['damn', 'bad{i}', 'blimey*']\n" for i in range(50))
    many = parse("".join(fifty), {}, rule_kinds())
    links = parse("[links]\nblock = ['spam.example']", {}, rule_kinds())
    mentions = parse("[mentions]\nmost = 5\n[newcomers]\nminutes = 5", {}, rule_kinds())
    return {
        "an open end that matches again and again": (open_end, _filled("blimey")),
        "the same, a word each": (open_end, _filled("blimey ")),
        "nested phrases, open on both sides": (nested, _filled("x")),
        "nested phrases, not open": (plain, _filled("x")),
        "nested phrases, drawn out and in disguise": (plain, _filled("xxx$x ")),
        "nested phrases, letters apart": (nested, _filled("x ")),
        "words by letters": (usual, _filled("d a m n  ")),
        "words in parts": (usual, _filled("da mn b ")),
        "disguised": (usual, _filled("d4mn $hit ")),
        "drawn out": (usual, _filled("daaamn ")),
        "Han in parts": (usual, _filled("笨 蛋")),
        "characters that fold to many": (usual, _filled("\ufdfa")),
        "two alphabets": (usual, _filled("d\u0430mn где ")),
        "fifty rules": (many, _filled("da mn d4mn d a m n ")),
        "dots": (links, _filled("a.")),
        "a link of marks": (links, "a.b" + _filled("\u0301\u0323")[: SIZE - 3]),
        "links": (links, _filled("a.spam.example ")),
        "names": (mentions, _filled("@a ")),
        "backticks": (mentions, "@a" + _filled("`")[: SIZE - 2]),
    }


def _words(phrases: Sequence[str]) -> RuleSet:
    return parse("[words]\nfiles = ['list']", {"list": phrases}, rule_kinds())


def _filled(unit: str) -> str:
    return (unit * (SIZE // len(unit) + 1))[:SIZE]
