"""What a load left behind, and what is wrong with it: judged from the records alone.

Where `faults` finds nothing, every accepted send is in the history once, under the number that
its sender was told; numbers have no gap; every reader saw just the history, in its order; and
what is unread to them is what they have not marked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple


class Wish(NamedTuple):
    """What a sender wanted once, in however many attempts."""

    room: str
    by: str
    client_id: str


class Answer(NamedTuple):
    """An edge said that it took a wish; `n` and `seq` are 0 where it had no number yet (202)."""

    wish: Wish
    n: int = 0
    seq: int = 0


class Place(NamedTuple):
    """A message's place in its room: what history and streams must agree on."""

    n: int
    seq: int
    wish: Wish


class Count(NamedTuple):
    """Up to which `seq` somebody has read a room, and how many are unread: as they are told."""

    read: int
    unread: int


@dataclass
class Records:
    """All that was seen from outside.

    `base` is each room's head before the first send; from there on there are messages alone.
    """

    base: dict[str, int]
    answers: list[Answer] = field(default_factory=list)
    #: Wishes that were insisted on to the end, in vain.
    unanswered: int = 0
    #: By room, as the history has it.
    history: dict[str, list[Place]] = field(default_factory=dict)
    #: By reader and room, in the order of receipt.
    seen: dict[str, dict[str, list[Place]]] = field(default_factory=dict)
    #: By reader and room, the `seq` that they marked last.
    marked: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    #: By reader and room, as they are told at the end.
    counts: dict[str, dict[str, Count]] = field(default_factory=dict)
    #: Readers that were told to fetch a room's history, because it could not be resumed.
    resets: list[str] = field(default_factory=list)
    #: By room whose log lost its end, what was there. Its numbers are given again, to others.
    cuts: Mapping[str, frozenset[Place]] = field(default_factory=dict)


def place(event: dict[str, Any]) -> Place:
    """The place of an event as an edge gives it; only messages have a `seq`."""
    wish = Wish(event["room"], event["by"], event["client_id"])
    return Place(event["n"], event.get("seq", 0), wish)


def faults(records: Records) -> list[str]:
    """Everything that is wrong, a line each; nothing where all is as promised."""
    found = [
        f"{reader} was told to reset"
        for reader in records.resets
        if records.cuts.keys().isdisjoint(records.seen.get(reader, ()))
    ]
    if records.unanswered:
        found.append(f"stuck: {records.unanswered} wishes were never answered")
    found += _of_cuts(records)
    records = _kept(records)
    found += _of_answers(records)
    for room, places in records.history.items():
        found += _of_history(room, records.base[room], places)
    for reader, rooms in records.seen.items():
        for room, places in rooms.items():
            found += _of_reader(f"{reader} in {room}", records.history[room], places)
    return found + list(miscounted(records))


def _of_cuts(records: Records) -> Iterator[str]:
    """What the log lost and is told as if it had not, and readers that saw it and do not know."""
    for room, gone in records.cuts.items():
        if back := [place.n for place in records.history[room] if place in gone]:
            yield f"beyond: history of {room} has n {_some(back)}, which its log lost"
        for reader, rooms in records.seen.items():
            if reader not in records.resets and not gone.isdisjoint(rooms.get(room, ())):
                yield f"untold: {reader} saw what the log of {room} lost, and was not told to reset"


def _kept(records: Records) -> Records:
    """The same records without what the logs lost, and without the answers that told of it."""
    gone = frozenset[Place]().union(*records.cuts.values())
    told = {place.wish: ((place.n, place.seq), (0, 0)) for place in gone}
    return replace(
        records,
        answers=[each for each in records.answers if each[1:] not in told.get(each.wish, ())],
        seen={
            reader: {room: [each for each in seen if each not in gone] for room, seen in at.items()}
            for reader, at in records.seen.items()
        },
    )


def _of_answers(records: Records) -> Iterator[str]:
    stored = Counter(place.wish for places in records.history.values() for place in places)
    numbers = {
        place.wish: (place.n, place.seq) for places in records.history.values() for place in places
    }
    for wish in dict.fromkeys(answer.wish for answer in records.answers):
        if stored[wish] == 0:
            yield f"lost: {wish} was accepted and is not in the history"
    for wish, times in stored.items():
        if times > 1:
            yield f"doubled: {wish} is in the history {times} times"
    for answer in records.answers:
        if answer.n and (answer.n, answer.seq) != numbers.get(answer.wish, (answer.n, answer.seq)):
            yield f"renumbered: {answer} was told, {numbers[answer.wish]} is in the history"
    told = {(answer.wish.room, answer.n, answer.wish) for answer in records.answers if answer.n}
    for (room, n), times in Counter((room, n) for room, n, _ in told).items():
        if times > 1:
            yield f"shared: n {n} of {room} was told to {times} wishes"


def _of_history(room: str, base: int, places: Sequence[Place]) -> Iterator[str]:
    for i, found in enumerate(places, 1):
        if (found.n, found.seq) != (base + i, i):
            yield f"gap: history of {room} has {found} where n {base + i}, seq {i} belongs"
            return


def _of_reader(who: str, expected: Sequence[Place], seen: Sequence[Place]) -> Iterator[str]:
    times = Counter(seen)
    if lost := [place.n for place in expected if not times[place]]:
        yield f"lost: {who} never saw n {_some(lost)}"
    if doubled := [place.n for place, many in times.items() if many > 1]:
        yield f"doubled: {who} saw n {_some(doubled)} more than once"
    known = set(expected)
    if foreign := [place.n for place in seen if place not in known]:
        yield f"foreign: {who} saw n {_some(foreign)} as the history does not have it"
    order = list(dict.fromkeys(seen))
    if order != sorted(order):
        after = next(b.n for a, b in pairwise(order) if b < a)
        yield f"reordered: {who} saw n {after} too late"


def miscounted(records: Records) -> Iterator[str]:
    """Marks that went back, and counts that are not what the history has beyond the mark."""
    for user, rooms in records.seen.items():
        for room in rooms:
            count = records.counts.get(user, {}).get(room)
            if count is None:
                yield f"uncounted: {user} is not told what is unread in {room}"
                continue
            marked = records.marked.get(user, {}).get(room, 0)
            if count.read < marked:
                yield f"unmarked: {user} had read {room} up to {marked}, and is told {count.read}"
            new = [place for place in records.history[room] if place.seq > count.read]
            if count.unread != (left := sum(place.wish.by != user for place in new)):
                yield f"miscounted: {user} is told {count} of {room}, where {left} are unread"


def _some(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" * (len(numbers) > 5))
