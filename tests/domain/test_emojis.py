from __future__ import annotations

from typing import Any
from uuid import UUID

import emoji as library
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.emojis import allowed, bare, reaction
from app.domain.records import Repeat
from app.domain.room import decide
from app.events import (
    AddReaction,
    AnyCommand,
    CreateRoom,
    Moderated,
    ReactionAdded,
    ReactionRemoved,
    Refusal,
    RemoveReaction,
    SendMessage,
)
from tests.domain.room_tables import Tables, run

EMOJIS = sorted(text for text, data in library.EMOJI_DATA.items() if data["status"] == 2)
HEART, BARE_HEART = "\u2764\ufe0f", "\u2764"
EMOJI = st.sampled_from(EMOJIS)


@given(EMOJI)
def test_an_emoji_is_one_however_it_is_spelled(emoji: str) -> None:
    for spelled in (emoji, bare(emoji), emoji.replace("\ufe0f", "\ufe0e")):
        assert reaction(spelled) == emoji


def test_every_spelling_that_unicode_lists_is_an_emoji_in_full() -> None:
    wrong = {
        text
        for text, data in library.EMOJI_DATA.items()
        if data["status"] != 1 and reaction(text) not in EMOJIS
    }
    assert wrong == set()


@pytest.mark.parametrize(
    "emoji",
    [
        "👍",
        "👍🏽",
        "👩🏽\u200d❤️\u200d💋\u200d👨🏻",
        "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "🇨🇳",
        "1️⃣",
        "🫖",
        "🫩",
        "🏳️\u200d🌈",
        "👁️\u200d🗨️",
    ],
)
def test_skin_tones_flags_keycaps_and_joined_sequences_are_emojis(emoji: str) -> None:
    assert reaction(emoji) == emoji


@given(st.text(max_size=6))
def test_words_and_single_letters_are_no_reaction(text: str) -> None:
    """Nor are digits, marks, or two emojis."""
    found = reaction(text)
    assert found is None or (found in EMOJIS and bare(found) == bare(text))


@pytest.mark.parametrize(
    "text",
    ["", "+1", "x", "1", "#", "ok", ":heart:", "👍👍", "\ufe0f", "🏽", "constructor", "👍\u200b"],
)
def test_what_is_no_emoji_is_a_reaction_where_the_operator_allows_it(text: str) -> None:
    assert reaction(text) is None
    assert reaction(text, allowed(f"+2, {text} ,ok go")) == (text or None)
    taken_by_form = bool(text)
    assert (reaction(text, allowed("*")) == text) == taken_by_form
    assert reaction("two words", allowed("*")) is None


def commands(*reacting: tuple[type[AddReaction | RemoveReaction], str, str]) -> list[AnyCommand]:
    def stamp(number: int, by: str) -> dict[str, Any]:
        return {"room": "r", "by": by, "id": str(UUID(int=number)), "client_id": f"c{number}"}

    opening = [
        CreateRoom(**stamp(0, "ann"), type="direct", user="ben"),
        SendMessage(**stamp(1, "ann"), text="hello"),
    ]
    more = [
        kind(**stamp(n, by), seq=1, emoji=emoji) for n, (kind, by, emoji) in enumerate(reacting, 2)
    ]
    return [*opening, *more]


def test_spellings_of_an_emoji_are_counted_together_and_removed_as_they_were_added() -> None:
    """A message has `❤` of an earlier release; new reactions join it."""
    tables = Tables()
    log = run(
        commands(
            (AddReaction, "ann", BARE_HEART),
            (AddReaction, "ann", HEART),
            (AddReaction, "ben", HEART),
            (RemoveReaction, "ann", HEART),
            (RemoveReaction, "ben", BARE_HEART),
            (AddReaction, "ben", HEART),
        ),
        tables,
    )
    reacted = [
        (type(event), event.by, event.emoji)
        for event, _ in log
        if isinstance(event, ReactionAdded | ReactionRemoved)
    ]
    assert reacted == [
        (ReactionAdded, "ann", BARE_HEART),
        (ReactionAdded, "ben", BARE_HEART),
        (ReactionRemoved, "ann", BARE_HEART),
        (ReactionRemoved, "ben", BARE_HEART),
        (ReactionAdded, "ben", HEART),
    ]
    again = AddReaction(
        room="r", by="ben", id=str(UUID(int=99)), client_id="z", seq=1, emoji=BARE_HEART
    )
    assert isinstance(
        decide(tables.state(again), Moderated(src=99, at_ms=0, command=again)), Repeat
    )
    gone = RemoveReaction(
        room="r", by="ann", id=str(UUID(int=98)), client_id="y", seq=1, emoji=HEART
    )
    assert isinstance(decide(tables.state(gone), Moderated(src=99, at_ms=0, command=gone)), Refusal)
