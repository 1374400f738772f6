from __future__ import annotations

import random

from app.domain.moderation.pace import (
    MOST,
    REACTIONS,
    Pace,
    after,
    after_act,
    before,
    counts,
    hurried,
)


def paced(*srcs: int, pace: Pace | None = None) -> Pace:
    found = pace or Pace()
    for src in srcs:
        found = after(found, 1000 * src, f"{src}", src)
    return found


def test_before_a_record_is_what_came_before_it() -> None:
    assert before(paced(3, 5, 9), 5) == paced(3)
    assert before(paced(3, 5, 9), 10) == paced(3, 5, 9)
    assert before(paced(3), 3) == Pace()


def test_a_record_counts_where_it_or_a_later_one_was_added() -> None:
    assert counts(paced(3, 5), 3)
    assert counts(paced(3, 5), 5)
    assert not counts(paced(3, 5), 6)
    assert not counts(Pace(), 0)


def test_times_without_offsets_are_the_oldest() -> None:
    older = Pace((1, 2), (0, 0))
    known = paced(7, pace=older)
    assert before(known, 7) == older
    assert counts(known, 7)


def test_no_more_is_kept_than_is_asked_for() -> None:
    known = paced(*range(200))
    assert {len(known.times), len(known.texts), len(known.srcs)} == {MOST}


def test_reactions_push_no_message_out() -> None:
    known = paced(1, 2, 3)
    for src in range(4, 4 + 2 * MOST):
        known = after_act(known, 1000 * src, src)
    assert (known.times, known.srcs) == (paced(1, 2, 3).times, (1, 2, 3))
    assert len(known.acts) == len(known.act_srcs) == MOST


def test_before_a_record_is_what_came_before_it_of_both_kinds() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    states = [Pace((1, 2), (0, 0))]
    for src in range(40):
        is_act = chance.random() < 0.5
        last = states[-1]
        states.append(after_act(last, src, src) if is_act else after(last, src, "x", src))
    for src in range(40):
        assert before(states[-1], src) == states[src]
        assert counts(states[-1], src)
        assert not counts(states[src], src)


def test_a_member_reacts_no_faster_than_the_window_of_a_room_bears() -> None:
    known = Pace()
    for turn in range(REACTIONS):
        assert not hurried(known, turn)
        known = after_act(known, turn, turn)
    assert hurried(known, REACTIONS)
    assert not hurried(known, 61_000)
