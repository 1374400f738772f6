"""Only its author gets the content of a shadowed message, for every kind of event."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.domain.shadow import shown_to
from app.events import (
    Attachment,
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    MessageHidden,
    ReactionAdded,
    Shadow,
    encode,
)

SECRET = "sesame"
_FIELDS: dict[str, Any] = {
    "room": "r",
    "n": 3,
    "by": "ann",
    "at_ms": 5,
    "id": "i",
    "client_id": "c",
}
_SHADOW = Shadow(
    SECRET, (Attachment(url=f"https://x.example/{SECRET}"),), {"shadow": {"a": SECRET}}
)
_EVENTS = [
    MessageCreated(**_FIELDS, seq=2, text="", shadow=_SHADOW, reply_to=1, thread=1),
    MessageEdited(**_FIELDS, seq=2, of=1, text="", shadow=_SHADOW),
    MessageDeleted(**_FIELDS, seq=2, of=1, shadow=Shadow("")),
    ReactionAdded(**_FIELDS, seq=2, emoji="+", shadow=Shadow("")),
]


@given(st.sampled_from(_EVENTS), st.text(min_size=1).filter(lambda user: user != "ann"))
def test_others_get_the_numbers_alone(event: MessageCreated, user: str) -> None:
    shown = shown_to(user, encode(event))
    assert SECRET.encode() not in shown
    assert b"shadow" not in shown
    assert b"ann" not in shown
    told = msgspec.json.decode(shown)
    assert (told["n"], told["seq"], told["kind"]) == (
        3,
        2,
        msgspec.json.decode(encode(event))["kind"],
    )
    assert shown_to(user, shown) == shown


@given(st.sampled_from(_EVENTS))
def test_the_author_gets_an_event_like_any_other(event: MessageCreated) -> None:
    told = msgspec.json.decode(shown_to("ann", encode(event)))
    assert "shadow" not in told
    assert "hidden" not in told
    assert told["by"] == "ann"
    if "text" in told:
        assert told["text"] == SECRET


def test_what_is_in_no_shadow_is_the_same_bytes_for_all() -> None:
    tricky = MessageCreated(
        **_FIELDS, seq=2, text='"shadow":{"text":"x"}', meta={"shadow": {"text": "x"}}
    )
    hidden = MessageHidden(**_FIELDS, seq=2, of=1, reason="why")
    for event in (tricky, hidden):
        raw = encode(event)
        assert shown_to("ben", raw) is raw
