from __future__ import annotations

import pytest

from app.events import CreateRoom, SendMessage
from app.rules.moderation import moderate, policy

POLICY = policy(20, ["darn", "bad phrase", ""])


def said(text: str) -> str | None:
    command = SendMessage(room="r", by="ann", id="", client_id="", text=text)
    refusal = moderate(command, POLICY)
    return None if refusal is None else refusal.code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hello", None),
        ("darning socks", None),
        ("oh, DARN!", "blocked"),
        ("a Bad Phrase", "blocked"),
        ("", "text_empty"),
        (" \n\t\u00a0", "text_empty"),
        ("x" * 20, None),
        ("x" * 21, "text_too_long"),
    ],
)
def test_a_message_gets_its_verdict(text: str, code: str | None) -> None:
    assert said(text) == code


def test_other_commands_pass() -> None:
    command = CreateRoom(room="r", by="ann", id="", client_id="", name="darn")
    assert moderate(command, POLICY) is None
