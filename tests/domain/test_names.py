from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import names, shown_text

ALL = st.characters(categories=None, exclude_categories=())
UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"


@pytest.mark.parametrize(
    "user",
    ["edwinp[m]", "LiMp^", "kylin_", "|trey|", "Debolaz[Pidgin]", "小明", "Ольга", "a", "é" * 64],
)
def test_real_nicks_are_users(user: str) -> None:
    assert names.user(user) is None


@pytest.mark.parametrize(
    "user",
    [
        "",
        "a" * 65,
        "a b",
        "a/b",
        "a\n",
        "a\u202eb",
        "a\u200bb",
        "a\ud800",
        "a\x7f",
        "a\u2066",
        "\u00a0",
        "\u3164",
        "\u2800",
        "\ufe0f",
        "ann\ufe0f",
        "ann\u3164",
        "a\u034fb",
        "\uffa0",
        "\u0301",
        "\u0301ann",
        "e\u0301",
        ".",
        "..",
    ],
)
def test_what_can_not_be_seen_or_splits_a_key_is_no_user(user: str) -> None:
    assert names.user(user)


@given(st.text(ALL, min_size=1, max_size=64))
def test_a_user_that_is_taken_is_visible_and_encodes(user: str) -> None:
    if names.user(user) is not None:
        return
    user.encode()
    assert not any(character.isspace() or character == "/" for character in user)
    assert shown_text.is_visible(user)
    assert not shown_text.has_invisible(user)
    assert unicodedata.is_normalized("NFC", user)
    controls = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert controls.isdisjoint(map(unicodedata.bidirectional, user))


@given(st.text(ALL, min_size=1, max_size=64))
def test_every_user_of_today_could_be_one_before(user: str) -> None:
    assert names.user(user) is not None or names.former_user(user) is None


@pytest.mark.parametrize("user", ["...", "a.", ".a", "ann.", "e\u0301", "\u3164"])
def test_members_of_before_can_be_named_to_be_removed(user: str) -> None:
    assert names.former_user(user) is None


@given(st.text(UNRESERVED, min_size=1, max_size=64).filter(lambda room: room.strip(".")))
def test_unreserved_characters_make_a_room(room: str) -> None:
    assert names.room(room) is None


@given(st.text(ALL, max_size=80))
def test_a_room_that_is_taken_needs_no_escaping(room: str) -> None:
    fits = 1 <= len(room) <= 64 and set(room) <= set(UNRESERVED) and room not in {".", ".."}
    assert (names.room(room) is None) == fits


@pytest.mark.parametrize("name", ["", "Tea & cake", "a\u200cb", "👩\u200d🚀", "x" * 80])
def test_names_for_people_are_room_names(name: str) -> None:
    assert names.room_name(name) is None


@pytest.mark.parametrize(
    "name",
    [
        " ",
        "\u3000 ",
        "\u200b",
        "\u3164",
        "\u2800\ufe0f",
        "x" * 81,
        "a\nb",
        "a\u2028b",
        "a\u202eb",
        "a\u200fb",
        "\x00",
        "\udfff",
    ],
)
def test_names_that_break_a_page_are_refused(name: str) -> None:
    assert names.room_name(name)


@given(st.text(ALL, max_size=70))
def test_a_client_id_is_printable_ascii(client_id: str) -> None:
    fits = 1 <= len(client_id) <= 64 and all(" " <= character <= "~" for character in client_id)
    assert (names.client_id(client_id) is None) == fits
