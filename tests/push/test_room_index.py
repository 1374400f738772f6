"""Who of a room may have to be called."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.push.levels import Levels
from app.events import NotifyUser
from app.push.room_index import RoomIndex

USERS = ("ann", "ben", "eva")
ROOMS = ("tea", "coffee")


def levels(level: Any) -> Levels:
    return Levels(NotifyUser(user="", at_ms=1, level=level))


#: Joins and leaves of one room after the other: user, room, whether it is a join.
changes = st.lists(
    st.tuples(st.sampled_from(USERS), st.sampled_from(ROOMS), st.booleans()), max_size=12
)


@given(changes, st.randoms(), st.lists(st.sampled_from(USERS)), st.booleans())
def test_the_order_in_which_it_hears_of_members_does_not_matter(
    steps: list[tuple[str, str, bool]], random: Any, mentions: list[str], everyone: bool
) -> None:
    wants = {"ann": levels("all"), "ben": levels("mentions"), "eva": levels("none")}
    known, index = [], RoomIndex(wants.__getitem__)
    members: set[tuple[str, str]] = set()
    for n, (user, room, joins) in enumerate(steps, 1):
        known.append((room, user, n if joins else -n))
        (members.add if joins else members.discard)((room, user))
    for user in USERS:
        index.add(user, {})
    random.shuffle(known)
    for room, user, n in known + known[:3]:
        index.note(room, user, n)
        list(index.called(room, 99, (), everyone=False))
    for room in ROOMS:
        found = dict(index.called(room, 99, mentions, everyone=everyone))
        wanted = {}
        for user in USERS:
            mentioned = user in mentions or everyone
            if (room, user) in members and wants[user].wants(room, mentioned=mentioned):
                wanted[user] = mentioned
        assert found == wanted


def test_nobody_is_called_of_what_was_said_before_they_came() -> None:
    index = RoomIndex(lambda _: levels("all"))
    index.add("ann", {"tea": 5})
    assert not list(index.called("tea", 5, ("ann",), everyone=True))
    assert list(index.called("tea", 6, (), everyone=False)) == [("ann", False)]


def test_another_level_counts_with_the_next_message() -> None:
    wants = {"ann": levels("none")}
    index = RoomIndex(wants.__getitem__)
    index.add("ann", {"tea": 1})
    assert not list(index.called("tea", 2, (), everyone=False))
    wants["ann"] = levels("all")
    index.changed("ann")
    assert list(index.called("tea", 3, (), everyone=False)) == [("ann", False)]


def test_a_user_without_a_subscription_costs_a_room_nothing() -> None:
    index = RoomIndex(lambda _: levels("all"))
    index.add("ann", {"tea": 1})
    index.remove("ann")
    assert "tea" not in index.rooms
    assert "ann" not in index
    assert not list(index.called("tea", 2, ("ann",), everyone=True))
