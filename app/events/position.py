"""Positions: what names a record of `chat.log`, and the command of an event, in every cluster.

An offset names a record as long as its topic lives. A topic can be made anew, lose its end, or be
copied to another cluster, and then the same offset names another record.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from app.errors import Malformed

#: Headers of a `chat.log` record: its position, and the command that it follows from.
POS: Final = "pos"
SRC: Final = "src"

#: The most digits of a number in a header, which then fits into 64 bits.
_DIGITS: Final = 18


class Position(NamedTuple):
    """A record's place in its partition's log: `pos` counts events, one by one, across clusters.

    `epoch` is raised where the partition's log begins anew behind an event that was lost: the same
    `pos` of an earlier epoch may have been another event.
    """

    epoch: int
    pos: int


class Source(NamedTuple):
    """The command of an event: its offset in `chat.raw`, and the origin of that offset.

    `origin` is raised whenever the partition of `chat.raw` is found to be another than it was, so
    sources are in the order in which commands are decided. 0: the topic that was there first.
    """

    origin: int
    offset: int


def encode_position(position: Position) -> bytes:
    """The header `pos`: `pos`, or `epoch/pos` after the first epoch."""
    return b"%d/%d" % position if position.epoch else b"%d" % position.pos


def position_of(header: bytes | None, offset: int) -> Position:
    """The position of a log record with this header `pos` at this offset.

    The first logs have no such header: there the offset is the position. Raises `Malformed` for a
    header that is no position.
    """
    if header is None:
        return Position(0, offset)
    return Position(*_pair(POS, header))


def encode_src(source: Source) -> bytes:
    """The header `src`: the offset, or `origin/offset` after the first origin."""
    return b"%d/%d" % source if source.origin else b"%d" % source.offset


def decode_src(header: bytes | None) -> Source:
    """The header `src` of a `chat.log` record; raises `Malformed` if it is none."""
    return Source(*_pair(SRC, header))


def _pair(name: str, header: bytes | None) -> tuple[int, int]:
    first, slash, second = (header or b"").partition(b"/")
    if not slash:
        first, second = b"0", first
    if not (_is_number(first) and _is_number(second)):
        raise Malformed(f"its header {name} is {header!r}, which is not a number or two")
    return int(first), int(second)


def _is_number(digits: bytes) -> bool:
    return digits.isdigit() and len(digits) <= _DIGITS
