"""All regions come to the same value of each key, in whatever order records come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain.newest_records import NewestRecords, Stamp, Stamped

REGIONS = ("eu", "us")


class Region:
    """A region's topic of one key, and what it knows."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.topic: list[Stamped] = []
        self.newest = NewestRecords()
        self.read = 0

    def follow(self) -> None:
        """Read the own topic to its end, which may grow by that."""
        while self.read < len(self.topic):
            hidden = self.newest.there(b"key", self.topic[self.read])
            self.read += 1
            if hidden is not None:
                self.topic.append(hidden)

    def hear(self, record: Stamped) -> None:
        """A record of the other region."""
        if self.newest.elsewhere(b"key", record):
            self.topic.append(record)


writes = st.lists(st.tuples(st.sampled_from(REGIONS), st.integers(0, 9)), max_size=8)


@given(writes, st.data())
def test_the_last_record_of_a_key_is_the_same_everywhere(
    written: list[tuple[str, int]], data: st.DataObject
) -> None:
    regions = {name: Region(name) for name in REGIONS}
    unheard: dict[str, list[Stamped]] = {name: [] for name in REGIONS}
    for name, at_ms in written:
        one = Stamped(Stamp(at_ms, name), f"{name} {at_ms}".encode())
        regions[name].topic.append(one)
        unheard[next(other for other in REGIONS if other != name)].append(one)
        for region in regions.values():
            if data.draw(st.booleans()):
                region.follow()
            if unheard[region.name] and data.draw(st.booleans()):
                region.hear(unheard[region.name].pop(0))
    for region in regions.values():
        region.follow()
        for one in unheard[region.name]:
            region.hear(one)
        region.follow()
    eu, us = (regions[name].topic[-1:] for name in REGIONS)
    assert eu == us
    if written:
        assert eu[0].stamp.at_ms == max(at_ms for _, at_ms in written)


def test_a_copy_is_written_once() -> None:
    newest, one = NewestRecords(), Stamped(Stamp(1, "us"), b"value")
    assert newest.elsewhere(b"key", one)
    assert not newest.elsewhere(b"key", one)
    assert newest.there(b"key", one) is None


def test_a_removal_is_a_record_like_others() -> None:
    newest = NewestRecords()
    newest.there(b"key", Stamped(Stamp(1, "eu"), b"value"))
    assert newest.elsewhere(b"key", Stamped(Stamp(2, "us"), None))
    assert newest.there(b"key", Stamped(Stamp(1, "eu"), b"value")) == Stamped(Stamp(2, "us"), None)
