from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.moderation.decide import barred
from app.domain.shown_text import composed, flaw, has_invisible, is_visible
from app.domain.wellformed import file_name, reason, topic, unfit
from app.events import (
    AddMember,
    Attachment,
    ChangeRoom,
    CreateRoom,
    EditMessage,
    HideMessage,
    LiftSanction,
    SendMessage,
    SetSanction,
)

STAMP: dict[str, str] = {"room": "r", "by": "ann", "id": "x", "client_id": "c"}

#: Nothing to see: fillers, an empty Braille pattern, selectors, joiners, spaces, controls, a mark.
NOTHING = st.text(
    "\u3164\u115f\u1160\uffa0\u2800\ufe0f\u200b\u200d\u2060\u00ad\u034f\ufeff\U000e0020\U000e0100"
    " \u00a0\u3000\u2003\t\n\x00\x7f\u0301\u20e3",
    max_size=8,
)
DIRECTIONS = st.sampled_from("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068")
SEEN = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8).filter(
    lambda text: not has_invisible(text)
)


@given(NOTHING)
def test_what_is_drawn_as_nothing_is_no_message_name_topic_or_file(text: str) -> None:
    assert not is_visible(text)
    for command in (SendMessage(**STAMP, text=text), EditMessage(**STAMP, seq=1, text=text)):
        refusal = barred(command, None, 0, 4000)
        assert refusal is not None
        assert refusal.code == "text_empty"
    for rule in (topic, reason, file_name):
        assert rule(text) or not text


@given(NOTHING, SEEN, NOTHING)
def test_one_character_that_is_seen_makes_a_message(before: str, seen: str, after: str) -> None:
    assert is_visible(before + seen + after)
    assert barred(SendMessage(**STAMP, text=before + seen), None, 0, 4000) is None


@given(SEEN, DIRECTIONS | st.sampled_from("\x00\x1b\x7f\x9f\ud800"), SEEN)
def test_a_text_beside_messages_has_no_controls_and_no_change_of_direction(
    one: str, wrong: str, other: str
) -> None:
    for rule in (topic, reason, file_name):
        assert rule(one + wrong + other)
        assert rule(one + other) is None


@pytest.mark.parametrize(
    "text",
    ["a\nb", "چای\u200cخانه", "👩\u200d🚀", "❤\ufe0f", "नमस्ते", "क्\u200dष", "café", "x" * 500],
)
def test_topics_in_any_script_and_of_several_lines_stay(text: str) -> None:
    assert topic(text) is None


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_composed_text_is_in_the_form_nfc(text: str) -> None:
    assert composed(text) == unicodedata.normalize("NFC", text)
    assert flaw(composed(text), "it", 10**6, lines=True) is None or flaw(text, "it", 10**6)


FILE = Attachment(url="https://files.example/1", name="photo\u202egnp.exe")
BAD = "\u202ebad"


@pytest.mark.parametrize(
    "command",
    [
        CreateRoom(**STAMP, name="   "),
        CreateRoom(**STAMP, topic="a\x00b"),
        CreateRoom(**STAMP, topic=BAD),
        CreateRoom(**STAMP, type="direct", user="\u3164"),
        ChangeRoom(**STAMP, name=BAD),
        ChangeRoom(**STAMP, topic="\u200b"),
        AddMember(**STAMP, user="ann\ufe0f"),
        AddMember(**STAMP, user=".."),
        SendMessage(**STAMP, text="", attachments=(FILE,)),
        SetSanction(**STAMP, user="ben", sanction="mute", reason=BAD),
        LiftSanction(**STAMP, user="ben", reason=BAD),
        HideMessage(**STAMP, seq=1, reason=BAD),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_command_with_a_text_that_misleads_is_refused_with_the_reason(command: Any) -> None:
    refusal = barred(command, None, 0, 4000)
    assert refusal is not None
    assert (refusal.code, refusal.reason.endswith(".")) == ("malformed", True)
    assert unfit(command)
