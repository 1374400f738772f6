"""Read marks, which never go back within an epoch of the log."""

from __future__ import annotations

from msgspec import Struct


class Read(Struct, frozen=True, omit_defaults=True):
    """A user has read a room up to message `seq`, as the log was in `epoch`."""

    seq: int
    epoch: int = 0


def depends(known: Read | None, receipt: Read, epoch: int) -> set[int]:
    """The epochs of which it matters how much of the room was lost with them.

    For what `advance` makes of a receipt in this epoch.
    """
    if receipt.epoch >= epoch and (known is None or receipt.seq > known.seq):
        return set()
    return {mark.epoch for mark in (known, receipt) if mark is not None and mark.epoch < epoch}


def left(mark: Read, epoch: int, end: int) -> Read:
    """What is left of a mark in this epoch.

    `end` is the last message that was not lost with the mark's own epoch: other messages have
    the numbers beyond by now.
    """
    return mark if mark.epoch >= epoch else Read(min(mark.seq, end), epoch)


def advance(known: Read | None, receipt: Read) -> Read | None:
    """The mark after a receipt; `None` if the mark is there or beyond already."""
    return receipt if receipt.seq > (known.seq if known is not None else 0) else None
