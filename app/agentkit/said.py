"""Messages that an agent has said under a key of its own, to be amended under that key."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.msgpack import Decoder
from msgspec.structs import replace


class Said(Struct, frozen=True, array_like=True):
    """A message by its client id, with the text that was sent last.

    `seq` is 0 until the message is in the log. `wanted` is the text that it is to get then.
    `amended` counts the edits.
    """

    client_id: str
    text: str
    seq: int = 0
    wanted: str | None = None
    amended: int = 0

    def amend(self, text: str) -> tuple[Said, str | None]:
        """With another text, and the text to edit the message to; `None`: nothing to edit yet."""
        if not self.seq:
            return replace(self, wanted=text), None
        if text == self.text:
            return self, None
        return replace(self, text=text, amended=self.amended + 1), text

    def arrived(self, seq: int) -> tuple[Said, str | None]:
        """The message is in the log with this `seq`."""
        known = replace(self, seq=seq, wanted=None)
        return (known, None) if self.wanted is None else known.amend(self.wanted)


_said: Final = Decoder(Said)
_keys: Final = Decoder(str)


def decoded_said(raw: bytes) -> Said:
    """A stored message."""
    return _said.decode(raw)


def decoded_key(raw: bytes) -> str:
    """The key under which a client id is stored."""
    return _keys.decode(raw)
