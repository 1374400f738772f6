from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.settings import Settings
from tests.docs.markdown import ROOT, blocks, steps
from tests.docs.terminal import Terminal

README = ROOT / "README.md"


@pytest.mark.timeout(180)
async def test_the_curl_commands_show_what_the_readme_says(terminal: Terminal) -> None:
    await terminal.follow(steps(README))


def test_the_readme_shows_the_reply_bot_as_it_is() -> None:
    assert blocks(README, "python") == [(ROOT / "examples" / "reply_bot.py").read_text()]


def test_the_settings_table_is_what_the_settings_say() -> None:
    assert settings_table() in README.read_text(), f"put this there:\n{settings_table()}"


def test_the_way_of_a_message_is_six_files_in_order() -> None:
    way = README.read_text().split("## The way of a message")[1].split("\n## ")[0]
    files = re.findall(r"^\d\. \[([^\]]+)\]\(\1\)", way, re.MULTILINE)
    assert len(files) == 6
    assert [file for file in files if not (ROOT / file).is_file()] == []


def settings_table() -> str:
    """The settings as the README shows them, from app/settings.py."""
    rows = [
        f"| `PARLEY_{name.upper()}` | {_default(name)} | {said} |"
        for name, said in _said(ROOT / "app" / "settings.py").items()
    ]
    return "\n".join(["| variable | default | |", "|---|---|---|", *rows])


def _said(source: Path) -> dict[str, str]:
    """Each field of `Settings` with the text below it."""
    module = ast.parse(source.read_text())
    (settings,) = (n for n in module.body if isinstance(n, ast.ClassDef) and n.name == "Settings")
    said: dict[str, str] = {}
    for field, text in zip(settings.body, settings.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(text, ast.Expr), f"{field.target.id} is not explained"
            said[field.target.id] = str(ast.literal_eval(text.value))
    assert list(said) == [field.name for field in fields(Settings)]
    return said


def _default(name: str) -> str:
    value = getattr(Settings(), name)
    value = int(value) if isinstance(value, bool) else value
    return f"`{value}`" if str(value) else ""
