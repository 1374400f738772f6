from __future__ import annotations

from app.domain.moderation.pace import MOST, Pace, after, before, counts


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
