"""The errors that Parley raises on purpose."""

from __future__ import annotations


class ParleyError(Exception):
    """Something that a person can do something about; its text says what."""


class SettingError(ParleyError):
    """A setting that can't be used."""

    def __init__(self, variable: str, value: object, takes: str) -> None:
        super().__init__(f"{variable} is {value!r}; it takes {takes}")
        self.variable = variable


class Unreachable(ParleyError):
    """A part that Parley stands on (Kafka, Valkey, the history store) does not answer."""


class Unusable(Unreachable):
    """A part that answers, and can't be used until somebody has mended it."""


class StoreFailed(ParleyError):
    """A table's store on this machine can't be read or written: its disk, not the event, is ill."""


class Malformed(ParleyError):
    """A record or request that is not of the form it should be."""


class CursorMalformed(ParleyError):
    """A cursor that no Parley ever made."""


class CursorForeign(ParleyError):
    """A cursor of another deployment, or one that somebody changed."""
