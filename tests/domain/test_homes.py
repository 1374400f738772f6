"""Every region comes to the same home of a partition, whatever it hears first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.deployment import deployment_of
from app.domain.homes import HomeChange, order
from app.events import EpochBegun, HomeLeft, HomesGiven, HomeTaken, HomeWanted

GIVEN = HomesGiven(homes=("eu",), at_ms=1)


def left(by: str, to: str, term: int, start: int = 5, epoch: int = 0) -> HomeLeft:
    return HomeLeft(
        partition=0, by=by, to=to, epoch=epoch, term=term, start=start, origin=3, at_ms=1
    )


def taken(by: str, term: int, start: int = 5, epoch: int = 0) -> HomeTaken:
    return HomeTaken(partition=0, by=by, epoch=epoch, term=term, start=start, origin=4, at_ms=1)


def over(by: str, number: int, lost: str) -> EpochBegun:
    return EpochBegun(
        partition=0, epoch=number, start=5, at_ms=1, why="", home=by, lost=lost, origin=7
    )


CHANGES: list[HomeChange] = [
    left("eu", "us", 1),
    taken("us", 2),
    left("us", "eu", 3),
    taken("eu", 4),
    over("us", 1, "eu"),
    left("us", "eu", 1, epoch=1),
]


@given(st.permutations(CHANGES))
def test_the_last_change_counts_in_whatever_order_they_come(changes: list[HomeChange]) -> None:
    known = deployment_of([GIVEN, *changes])
    assert known.changes[0] == CHANGES[-1]
    assert known.home(0, "us") == "eu"


def test_the_region_that_is_to_take_a_home_is_the_last_one_to_send_elsewhere() -> None:
    known = deployment_of([GIVEN, left("eu", "us", 1)])
    assert known.home(0, "us") == "eu"
    assert known.home(0, "eu") == known.home(0, "ap") == "us"
    known = deployment_of([GIVEN, left("eu", "us", 1), taken("us", 2)])
    assert {known.home(0, region) for region in ("eu", "us", "ap")} == {"us"}


def test_a_wish_counts_until_the_home_has_changed() -> None:
    wish = HomeWanted(partition=0, to="us", epoch=0, term=0, at_ms=1)
    known = deployment_of([GIVEN, wish])
    assert known.wish(0) == wish
    known = deployment_of([GIVEN, wish, left("eu", "us", 1)])
    assert known.wish(0) is None
    assert order(known.changes[0]) == (0, 1)


def test_commands_of_a_new_home_have_an_origin_above_those_of_the_former_one() -> None:
    known = deployment_of([GIVEN, left("eu", "us", 1), taken("us", 2)])
    assert known.origin("chat.raw", 0) == 4
    assert known.origin("chat.pace", 0) == 0
    known = deployment_of([GIVEN, taken("us", 2), over("eu", 16, "us")])
    assert known.origin("chat.raw", 0) == 7


def test_an_epoch_with_which_the_log_has_lost_nothing_is_known_as_one() -> None:
    known = deployment_of([GIVEN, over("us", 1, "eu")])
    assert known.taken_over(0, "us") == known.epochs[0]
    assert known.taken_over(0, "eu") is None
