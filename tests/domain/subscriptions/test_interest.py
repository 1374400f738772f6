"""What a subscription gets."""

import pytest

from app.domain.subscriptions.interest import Interest
from app.domain.subscriptions.kinds import TOPIC_OF, flaw
from app.topics import CONNECTIONS, LOG


def test_without_kinds_it_gets_the_log_and_nothing_else() -> None:
    everything = Interest((), ())
    assert everything.topics == {LOG}
    assert everything.has("message.created", "anything")
    assert not everything.has("connection.opened", "")


@pytest.mark.parametrize(
    ("rooms", "room", "gets"),
    [
        (("team-*",), "team-1", True),
        (("team-*",), "other", False),
        (("team-*", "other"), "other", True),
        (("a", "b"), "b", True),
        (("a", "b"), "c", False),
        (("*",), "c", True),
        (("*",), "", False),
    ],
)
def test_rooms_are_names_and_patterns(rooms: tuple[str, ...], room: str, gets: bool) -> None:
    assert Interest(("message.*",), rooms).has("message.created", room) is gets


def test_a_star_names_all_kinds_that_begin_so() -> None:
    some = Interest(("message.*", "connection.closed"), ())
    assert some.has("message.edited", "a")
    assert some.has("connection.closed", "")
    assert not some.has("member.added", "a")
    assert some.topics == {LOG, CONNECTIONS}


@pytest.mark.parametrize("kind", ["message.creatd", "massage.*", "", "*"])
def test_a_kind_that_is_none_is_told_with_the_nearest(kind: str) -> None:
    assert flaw(["member.added"]) is None
    told = flaw([kind])
    assert told is not None
    assert "did you mean" in told or "the kinds are" in told


def test_no_rooms_of_patterns_are_all_known_by_name() -> None:
    assert Interest((), ("a", "b")).rooms == frozenset("ab")
    assert Interest((), ("a*", "b")).rooms is None
    assert Interest((), ()).rooms is None
    assert set(TOPIC_OF.values()) >= {LOG, CONNECTIONS}
