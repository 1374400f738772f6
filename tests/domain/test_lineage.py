"""A partition's lineage says which events are a part of its log, whatever region began an epoch."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.domain.cursor import Cursor
from app.domain.deployment import Deployment, deployment_of
from app.domain.lineage import MAX_REGIONS, Lineage, next_epoch
from app.events import AnyBeginning, DeploymentMade, EpochBegun, Position

REGIONS = ("eu", "us", "ap")


def epoch(number: int, start: int, after: int, home: str = "eu", partition: int = 0) -> EpochBegun:
    return EpochBegun(
        partition=partition,
        epoch=number,
        start=start,
        at_ms=1,
        why="lost",
        home=home,
        after=after,
        lost="us",
    )


def test_an_event_beyond_the_start_of_a_later_epoch_is_no_part_of_the_log() -> None:
    lineage = Lineage([epoch(1, 7, 0)])
    assert lineage.has(Position(0, 6))
    assert not lineage.has(Position(0, 7))
    assert lineage.has(Position(1, 7))


def test_of_two_epochs_that_did_not_know_of_each_other_the_higher_one_counts() -> None:
    # eu began epoch 16 at 5, and us began 17 at 9 without knowing of it.
    lineage = Lineage([epoch(16, 5, 0), epoch(17, 9, 0, "us")])
    assert lineage.has(Position(0, 8))
    assert not lineage.has(Position(16, 5))
    assert not lineage.has(Position(0, 9))
    assert lineage.has(Position(17, 9))
    # Readers of eu have seen another log from 5 on.
    assert lineage.cut_after(16) == 5
    assert lineage.cut_after(0) == 9
    assert lineage.cut_after(17) is None


def test_an_epoch_that_is_not_known_here_yet_is_a_part_of_the_log() -> None:
    assert Lineage([epoch(1, 7, 0)]).has(Position(17, 12))


@st.composite
def histories(draw: st.DrawFn) -> list[EpochBegun]:
    """Epochs as regions may begin them: each knows some of those that were begun before."""
    found: list[EpochBegun] = []
    for _ in range(draw(st.integers(0, 5))):
        rank = draw(st.integers(0, len(REGIONS) - 1))
        own = {one.epoch for one in found if one.home == REGIONS[rank]}
        known = draw(st.sampled_from([0, *(one.epoch for one in found)]))
        known = max({known, *own})
        number = next_epoch(known, rank)
        if all(one.epoch != number for one in found):
            found.append(epoch(number, draw(st.integers(0, 9)), known, REGIONS[rank]))
    return found


@given(histories())
def test_at_most_one_event_of_each_position_is_a_part_of_the_log(begun: list[EpochBegun]) -> None:
    lineage = Lineage(begun)
    for pos in range(12):
        # An epoch has positions from its start on, and the first one from 0 on.
        epochs = [0, *(one.epoch for one in begun if one.start <= pos)]
        assert sum(lineage.has(Position(one, pos)) for one in epochs) <= 1


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(begun: list[EpochBegun], random: Random) -> None:
    mixed = list(begun)
    random.shuffle(mixed)
    for one in range(60):
        assert Lineage(mixed).cut_after(one) == Lineage(begun).cut_after(one)


@given(histories(), st.integers(0, 5), st.data())
def test_a_cursor_of_any_region_is_known_in_every_other(
    begun: list[EpochBegun], pos: int, data: st.DataObject
) -> None:
    """Each region has a prefix of what the others began, and all of that after a while."""
    made: list[AnyBeginning] = [DeploymentMade(id="d", at_ms=1)]
    lanes = [[one for one in begun if one.home == name] for name in REGIONS]
    part = [lane[: data.draw(st.integers(0, len(lane)))] for lane in lanes]
    there = deployment_of([*made, *(one for lane in part for one in lane)])
    here = deployment_of([*made, *begun])
    resumed = here.resumed(Cursor(there.digest(), (pos,)))
    assert resumed is not None
    cut = here.cut_after(0, there.epoch(0))
    assert resumed.nexts == (pos if cut is None else min(pos, cut),)
    assert bool(resumed.rewound) is (cut is not None and pos > cut)


@given(st.integers(0, 300), st.integers(0, MAX_REGIONS - 1))
def test_no_two_regions_begin_the_same_epoch(known: int, rank: int) -> None:
    number = next_epoch(known, rank)
    assert known < number <= known + MAX_REGIONS
    assert number % MAX_REGIONS == rank


def test_a_deployment_without_epochs_has_every_event() -> None:
    assert Deployment("d").has(0, Position(0, 5))


def test_a_reader_of_an_epoch_that_lost_knows_nothing_of_the_one_that_both_followed() -> None:
    lineage = Lineage([epoch(16, 5, 0), epoch(17, 9, 0, "us")])
    assert lineage.known_to(17) == 17
    assert lineage.known_to(0) == 0
    assert lineage.known_to(16) == -1


@given(histories())
def test_events_of_the_epochs_that_a_reader_knows_are_the_ones_that_it_saw(
    begun: list[EpochBegun],
) -> None:
    lineage = Lineage(begun)
    for seen in [0, *(one.epoch for one in begun)]:
        cut = lineage.cut_after(seen)
        known = lineage.known_to(seen)
        for pos in range(12):
            for one in [0, *(one.epoch for one in begun if one.start <= pos)]:
                if one <= known and lineage.has(Position(one, pos)):
                    assert cut is None or pos < cut
