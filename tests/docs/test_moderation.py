"""What docs/moderation.md shows: its rule file is taken, and the rule of one's own works."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import parse
from app.domain.moderation.ruling import judge
from app.errors import ParleyError
from app.moderation.rule_plugins import rule_kinds
from app.moderation.webhook import Answer
from tests.docs.markdown import ROOT, blocks

PAGE = ROOT / "docs" / "moderation.md"


def test_the_rule_file_of_the_page_is_taken() -> None:
    (source,) = blocks(PAGE, "toml")
    rules = parse(source, {"slurs.txt": ["tosh"]}, rule_kinds())
    assert [rule.name for rule in rules.rules] == ["mild", "slurs", "links", "flood"]
    assert rules.hook is not None


def test_the_table_has_every_kind_of_rule() -> None:
    for kind in rule_kinds():
        assert f"| `{kind}` |" in PAGE.read_text()


def test_the_answer_of_the_page_is_one_of_a_hook() -> None:
    _, answer = blocks(PAGE, "json")
    assert json.loads(answer)["action"] in Answer.__annotations__["action"]


def test_a_rule_of_ones_own_is_found_and_its_test_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule, test = blocks(PAGE, "python")
    (tmp_path / "shouting.py").write_text(rule)
    kinds = rule_kinds(str(tmp_path))
    rules = parse("[shouting]\naction = 'hold'\nletters = 5", {}, kinds)
    verdict = judge(Message("tea", "ann", "STOP IT"), Facts(), rules)
    assert verdict is not None
    assert (verdict.action, verdict.findings[0].rule) == ("hold", "shouting")
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, object] = {}
    exec(compile(test, "the page", "exec"), names)
    checking = names["test_shouting_is_caught_and_names_are_not"]
    assert callable(checking)
    checking()
    sys.modules.pop("shouting")


def test_a_file_that_is_not_a_rule_is_named(tmp_path: Path) -> None:
    (tmp_path / "nothing.py").write_text("x = 1\n")
    with pytest.raises(ParleyError, match=r"nothing\.py is not a rule"):
        rule_kinds(str(tmp_path))
