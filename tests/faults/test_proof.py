"""The checker finds and names every fault in records that were good before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.proof import Answer, Count, Place, Records, Wish, faults

BASE = 3


def good() -> Records:
    """Five messages in a room, accepted, stored, and seen by two readers."""
    places = [Place(BASE + i, i, Wish("room", "ann", f"c{i}")) for i in range(1, 6)]
    return Records(
        base={"room": BASE},
        answers=[Answer(place.wish, place.n, place.seq) for place in places],
        history={"room": list(places)},
        seen={reader: {"room": list(places)} for reader in ("ben", "cem")},
        marked={"ben": {"room": 3}},
        counts={"ben": {"room": Count(3, 2)}, "cem": {"room": Count(0, 5)}},
    )


def swap(places: list[Place]) -> None:
    places[1], places[2] = places[2], places[1]


def renumber(places: list[Place], at: int) -> None:
    places[at:] = [found._replace(n=found.n + 1, seq=found.seq + 1) for found in places[at:]]


def everywhere(change: Callable[[list[Place]], object]) -> Callable[[Records], object]:
    """The same change to history and readers, so that they still agree with each other."""

    def apply(records: Records) -> None:
        for places in (records.history["room"], *(seen["room"] for seen in records.seen.values())):
            change(places)

    return apply


def in_history(change: Callable[[list[Place]], object]) -> Callable[[Records], object]:
    return lambda records: change(records.history["room"])


def for_ben(change: Callable[[list[Place]], object]) -> Callable[[Records], object]:
    return lambda records: change(records.seen["ben"]["room"])


def as_other(places: list[Place]) -> None:
    places[2] = places[2]._replace(wish=Wish("room", "ann", "other"))


def count_for_ben(records: Records, told: Count) -> None:
    records.counts["ben"]["room"] = told


def for_all(change: Callable[[list[Place]], object]) -> Callable[[Records], object]:
    """The same change to what each reader saw."""

    def apply(records: Records) -> None:
        for seen in records.seen.values():
            change(seen["room"])

    return apply


def passed_over(records: Records) -> None:
    """A command was accepted and has no event, because its offset was at or below an old one."""
    records.answers.append(Answer(Wish("room", "ann", "passed over")))
    records.unanswered = 1


def given_twice(records: Records) -> None:
    """A room forgot its last number and gave it again: the first message was written over."""
    other = Place(BASE + 5, 5, Wish("room", "ann", "again"))
    records.answers.append(Answer(other.wish, other.n, other.seq))
    records.history["room"][4] = other
    for seen in records.seen.values():
        seen["room"].append(other)


def given_twice_and_told(records: Records) -> None:
    """Nobody but the two senders noticed."""
    records.answers.append(Answer(Wish("room", "ann", "again"), BASE + 5, 5))


def client_id_twice(records: Records) -> None:
    """A room forgot a client id: the repetition became a message, and both were told."""
    again = Place(BASE + 6, 6, records.answers[4].wish)
    records.answers.append(Answer(again.wish, again.n, again.seq))
    for places in (records.history["room"], *(seen["room"] for seen in records.seen.values())):
        places.append(again)
    records.counts["ben"]["room"], records.counts["cem"]["room"] = Count(3, 3), Count(0, 6)


def stopped(places: list[Place]) -> None:
    del places[2:]


BROKEN: dict[str, tuple[str, Callable[[Records], object]]] = {
    "an accepted send is nowhere": ("lost", everywhere(lambda places: places.pop())),
    "an accepted send without a number yet is nowhere": (
        "lost",
        lambda records: records.answers.append(Answer(Wish("room", "ann", "c9"))),
    ),
    "a send has two places": (
        "doubled",
        everywhere(lambda places: places.append(Place(BASE + 6, 6, places[0].wish))),
    ),
    "a repeated send was told another number": (
        "renumbered",
        lambda records: records.answers.append(records.answers[0]._replace(n=BASE + 2)),
    ),
    "numbers have a gap everywhere": ("gap", everywhere(lambda places: renumber(places, 3))),
    "n has a gap where seq has none": (
        "gap",
        in_history(lambda places: places.append(Place(BASE + 7, 6, Wish("room", "ann", "c6")))),
    ),
    "the history is out of order": ("gap", in_history(swap)),
    "the history has a message twice": (
        "doubled",
        in_history(lambda places: places.append(places[4])),
    ),
    "a reader lacks the first": ("lost", for_ben(lambda places: places.pop(0))),
    "a reader lacks one in the middle": ("lost", for_ben(lambda places: places.pop(2))),
    "a reader lacks the last": ("lost", for_ben(lambda places: places.pop())),
    "a reader saw nothing": ("lost", for_ben(lambda places: places.clear())),
    "a reader saw one twice": ("doubled", for_ben(lambda places: places.insert(2, places[1]))),
    "a reader saw one again at the end": ("doubled", for_ben(lambda p: p.append(p[0]))),
    "a reader saw two in another order": ("reordered", for_ben(swap)),
    "a reader saw another message under a number": ("foreign", for_ben(as_other)),
    "a reader saw what is not in the history": (
        "foreign",
        for_ben(lambda places: places.append(Place(BASE + 6, 6, Wish("room", "ann", "c6")))),
    ),
    "a send was never answered": ("stuck", lambda records: setattr(records, "unanswered", 1)),
    "a mark went back": ("unmarked", lambda records: count_for_ben(records, Count(2, 3))),
    "one too few is unread": ("miscounted", lambda records: count_for_ben(records, Count(3, 1))),
    "one too many is unread": ("miscounted", lambda records: count_for_ben(records, Count(5, 1))),
    "a reader is not told what is unread": ("uncounted", lambda records: records.counts.clear()),
    "a reader was told to reset": ("reset", lambda records: records.resets.append("ben")),
    "a command of a raw topic made anew was passed over": ("lost: Wish", passed_over),
    "a command of a raw topic made anew is never answered": ("stuck", passed_over),
    "a number was given out twice": ("shared", given_twice),
    "a number was given out twice, and wrote over a message": ("lost: Wish", given_twice),
    "two senders were told one number": ("shared", given_twice_and_told),
    "a client id was accepted twice": ("doubled: Wish", client_id_twice),
    "a repetition was told a number of its own": ("renumbered", client_id_twice),
    "a mark went back to what it was before it": (
        "unmarked",
        lambda records: count_for_ben(records, Count(0, 5)),
    ),
    "fan-out stopped for all readers": ("lost: cem", for_all(stopped)),
    "a reader was silent from some message on": ("lost: ben", for_ben(stopped)),
}


def cut() -> Records:
    """The log lost the last two of five messages, and a new one has the number of the first."""
    records = good()
    places = records.history["room"]
    gone, new = places[3:], Place(BASE + 4, 4, Wish("room", "ann", "new"))
    records.cuts = {"room": frozenset(gone)}
    records.answers.append(Answer(new.wish, new.n, new.seq))
    places[3:] = [new]
    for seen in records.seen.values():
        seen["room"].append(new)
    records.resets = ["ben", "cem"]
    records.counts = {"ben": {"room": Count(3, 1)}, "cem": {"room": Count(0, 4)}}
    return records


def gone_again(records: Records) -> None:
    records.history["room"] += sorted(records.cuts["room"])


BROKEN_AFTER_A_CUT: dict[str, tuple[str, Callable[[Records], object]]] = {
    "what is gone is in the history": ("beyond", gone_again),
    "what is gone is counted": (
        "miscounted",
        lambda records: records.counts["cem"].update(room=Count(0, 6)),
    ),
    "a reader of what is gone was not told": ("untold: ben", lambda r: r.resets.remove("ben")),
    "a reader lacks what came after": ("lost: ben", for_ben(lambda places: places.pop())),
    "a reader lacks what was kept": ("lost: ben", for_ben(lambda places: places.pop(0))),
    "a send from after the cut is nowhere": (
        "lost: Wish",
        lambda records: records.answers.append(Answer(Wish("room", "ann", "newer"), BASE + 5, 5)),
    ),
    "a new message has the number of another": (
        "shared",
        lambda records: records.answers.append(Answer(Wish("room", "ann", "newer"), BASE + 4, 4)),
    ),
    "a reader was told to reset for a room that lost nothing": (
        "reset",
        lambda records: records.resets.append("dan"),
    ),
}


def test_good_records_have_no_fault() -> None:
    assert faults(good()) == []


def test_what_was_never_accepted_may_be_there_or_not() -> None:
    records = good()
    records.answers.pop()
    assert faults(records) == []


def test_an_answer_without_a_number_is_good_where_the_message_is_there() -> None:
    records = good()
    records.answers[0] = Answer(records.answers[0].wish)
    assert faults(records) == []


def test_what_one_said_oneself_is_not_unread() -> None:
    records = good()
    records.seen["ann"] = records.seen["ben"]
    records.counts["ann"] = {"room": Count(0, 0)}
    assert faults(records) == []


def test_what_a_cut_log_lost_is_no_fault_where_its_readers_know() -> None:
    assert faults(cut()) == []


def test_what_a_cut_log_lost_may_be_sent_again() -> None:
    records = cut()
    again = Place(BASE + 5, 5, min(records.cuts["room"]).wish)
    records.answers.append(Answer(again.wish, again.n, again.seq))
    for places in (records.history["room"], *(seen["room"] for seen in records.seen.values())):
        places.append(again)
    records.counts = {"ben": {"room": Count(3, 2)}, "cem": {"room": Count(0, 5)}}
    assert faults(records) == []


@pytest.mark.parametrize("what", BROKEN_AFTER_A_CUT)
def test_what_is_broken_after_a_cut_is_named(what: str) -> None:
    named, breaking = BROKEN_AFTER_A_CUT[what]
    records = cut()
    breaking(records)
    assert any(named in fault for fault in faults(records)), faults(records)


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named(what: str) -> None:
    named, breaking = BROKEN[what]
    records = good()
    breaking(records)
    assert any(named in fault for fault in faults(records)), faults(records)


def test_one_reader_at_fault_is_told_from_the_others() -> None:
    records = good()
    records.seen["ben"]["room"].pop(2)
    assert [fault.split(" in ")[0] for fault in faults(records)] == ["lost: ben"]
