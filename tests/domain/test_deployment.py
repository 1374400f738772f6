"""The deployment is a fold of its topic, and says where a cursor goes on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.cursor import Cursor, digest_of
from app.domain.deployment import Deployment, Resumed, deployment_of
from app.events import (
    AnyBeginning,
    DeploymentMade,
    EpochBegun,
    Erasure,
    HomesGiven,
    KeysDerived,
    OriginBegun,
)

PARTITIONS = 3


def epoch(partition: int, number: int, start: int) -> EpochBegun:
    return EpochBegun(partition=partition, epoch=number, start=start, at_ms=1, why="lost")


beginnings = st.lists(
    st.one_of(
        st.builds(DeploymentMade, id=st.sampled_from("ab"), at_ms=st.just(1)),
        st.builds(KeysDerived, from_ms=st.integers(0, 9)),
        st.builds(HomesGiven, homes=st.just(("eu", "us")), at_ms=st.integers(0, 9)),
        st.builds(epoch, st.integers(0, PARTITIONS - 1), st.integers(1, 4), st.integers(0, 9)),
        st.builds(
            OriginBegun,
            topic=st.sampled_from(["chat.raw", "chat.pace"]),
            partition=st.integers(0, PARTITIONS - 1),
            origin=st.integers(1, 4),
            start=st.just(0),
            at_ms=st.just(1),
            why=st.just("other"),
        ),
    ),
    max_size=12,
)


@given(beginnings)
def test_a_record_that_was_written_twice_counts_once(found: list[AnyBeginning]) -> None:
    assert deployment_of([one for one in found for _ in range(2)]) == deployment_of(found)
    assert deployment_of([*found, *found]) == deployment_of(found)


@given(beginnings)
def test_the_time_of_the_keys_never_changes_and_holds_from_then_on(
    found: list[AnyBeginning],
) -> None:
    times = [one.from_ms for one in found if isinstance(one, KeysDerived)]
    known = deployment_of(found)
    for at_ms in range(12):
        assert known.derives_keys(at_ms) is bool(times and at_ms >= times[0])


@given(beginnings)
def test_epochs_and_origins_never_go_back(found: list[AnyBeginning]) -> None:
    for end in range(len(found)):
        before, after = deployment_of(found[:end]), deployment_of(found)
        for partition in range(PARTITIONS):
            assert before.epoch(partition) <= after.epoch(partition)
            assert before.origin("chat.raw", partition) <= after.origin("chat.raw", partition)


def test_the_first_homes_stay() -> None:
    given_ = [HomesGiven(homes=homes, at_ms=1) for homes in (("eu", "us"), ("us", "us"))]
    deployment = deployment_of(given_)
    assert [deployment.home(partition) for partition in range(3)] == ["eu", "us", ""]
    assert Deployment().home(0) == ""


def test_the_first_id_stays() -> None:
    made = [DeploymentMade(id=name, at_ms=1) for name in "ab"]
    assert deployment_of(made).id == "a"


def test_a_cursor_from_before_an_epoch_goes_on_where_the_epoch_began() -> None:
    before = Deployment("d")
    cursor = Cursor(before.digest(), (10, 10, 10))
    after = Deployment("d", (epoch(0, 1, 7), epoch(1, 1, 10), epoch(0, 2, 8)))
    assert after.resumed(cursor) == Resumed((7, 10, 10), frozenset({0}))


def test_a_cursor_of_this_epoch_goes_on_where_it_is() -> None:
    known = Deployment("d", (epoch(0, 1, 7),))
    cursor = Cursor(known.digest(), (10, 10, 10))
    assert known.resumed(cursor) == Resumed((10, 10, 10), frozenset())


def test_a_cursor_of_another_deployment_does_not_go_on() -> None:
    other = Cursor(Deployment("other").digest(), (1, 1, 1))
    assert Deployment("d", (epoch(0, 1, 7),)).resumed(other) is None


@given(st.lists(st.builds(epoch, st.integers(0, 2), st.integers(1, 9), st.integers(0, 9))))
def test_each_epoch_gives_cursors_another_digest(epochs: list[EpochBegun]) -> None:
    known = deployment_of([DeploymentMade(id="d", at_ms=1), *epochs]).epochs
    digests = [Deployment("d", known[:count]).digest() for count in range(len(known) + 1)]
    assert len(set(digests)) == len(digests)


def test_cursors_of_earlier_releases_are_still_known() -> None:
    begun = (epoch(0, 1, 7), epoch(1, 1, 10))
    assert Deployment("d").digest() == digest_of("d")
    assert Deployment("d", begun).digest() == digest_of("d 0/1/7 1/1/10")


def test_an_erasure_of_before_an_epoch_ends_where_that_began() -> None:
    known = deployment_of([epoch(1, 1, 7), epoch(1, 2, 5)])
    ends = (9, 9, 9)

    def erased(*epochs: int, until_ms: int = 0) -> tuple[int, ...]:
        return known.erased(Erasure(user="ann", until_ms=until_ms, ends=ends, epochs=epochs))

    assert erased(0, 0, 0) == (9, 5, 9)
    assert erased(0, 1, 0) == (9, 5, 9)
    assert erased(0, 2, 0) == ends
    # As the times say, where the record of an earlier release names no epochs.
    assert erased(until_ms=0) == (9, 5, 9)
    assert erased(until_ms=1) == ends
    assert deployment_of([]).erased(Erasure(user="ann", until_ms=0, ends=ends)) == ends
