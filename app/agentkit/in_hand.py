"""What an agent's process had in hand when it ended: events that end the process are found.

A handler may crash the interpreter, or be killed for its memory. Its event comes again, and would
end the process again, for ever. So the process notes beside its tables when it has a batch in hand.
One that finds two such notes of its predecessors takes events one by one, each with a note; one
that finds a note of a single event does not handle it any more.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder, Encoder

#: Ends with a batch in hand after which events are taken one by one. A single one may be a kill.
_CAREFUL: Final = 2

_SIZE: Final = 512


class _Note(Struct):
    """`ended` counts the processes in a row that ended with something in hand; `place` names it."""

    ended: int = 0
    open: bool = False
    place: str = ""


class InHand:
    """The note of an agent's process, in a file of its own."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        self._encode = Encoder().encode
        found = _read(self._file)
        self._ended = found.ended + 1 if found.open else 0
        #: The event that its predecessor ended with, taken alone.
        self.fatal = found.place if found.open else ""

    @property
    def careful(self) -> bool:
        """Whether events are to be taken one by one."""
        return self._ended >= _CAREFUL

    def begin(self, place: str = "") -> None:
        """Note that a batch is in hand, or the event at a place alone."""
        self._write(_Note(self._ended, True, place))

    def end(self) -> None:
        """Note that nothing is in hand: what was has done no harm."""
        self._ended, self.fatal = 0, ""
        self._write(_Note())

    def _write(self, note: _Note) -> None:
        os.pwrite(self._file, self._encode(note).ljust(_SIZE), 0)


def _read(file: int) -> _Note:
    try:
        return Decoder(_Note).decode(os.pread(file, _SIZE, 0))
    except ValueError:  # a new file
        return _Note()
