"""Commands in messages."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.agents.words import CommandForm, Word, arguments, command_name, help_text
from app.errors import Malformed

REMIND = CommandForm(
    "remind",
    (Word("minutes", "float"), Word("about", required=False, rest=True)),
    "Reminds you.",
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/remind 10 tea", "remind"),
        ("/remind", "remind"),
        ("/remind\n10", "remind"),
        ("/remind-me x", "remind-me"),
        (" /remind 10", ""),
        ("remind /remind", ""),
        ("/", ""),
        ("/Remind", ""),
        ("//remind", ""),
        ("/remind: x", ""),
    ],
)
def test_a_command_begins_the_text(text: str, name: str) -> None:
    assert command_name(text) == name


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("/remind 10 tea time", {"minutes": 10.0, "about": "tea time"}),
        ("/remind  2.5   tea  time ", {"minutes": 2.5, "about": "tea  time"}),
        ("/remind 10", {"minutes": 10.0}),
    ],
)
def test_words_are_read_by_their_types(text: str, values: dict[str, object]) -> None:
    assert arguments(REMIND, text) == values


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/remind", "minutes is missing: /remind minutes [about…]"),
        ("/remind soon", "minutes is a number, not 'soon': /remind minutes [about…]"),
    ],
)
def test_wrong_words_are_told_with_the_form(text: str, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        arguments(REMIND, text)
    assert str(caught.value) == reason


def test_too_many_words_are_told() -> None:
    with pytest.raises(Malformed, match="'now' is too much: /stop"):
        arguments(CommandForm("stop"), "/stop now")


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(Malformed):
        assert arguments(REMIND, f"/remind {text}").keys() <= {"minutes", "about"}


def test_help_lists_each_command_in_a_line() -> None:
    assert help_text("clock", [REMIND]) == "clock:\n/remind minutes [about…] - Reminds you."
