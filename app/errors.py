"""Parley's exceptions.

- `ParleyError`
  - `SettingError`
  - `Unreachable`
    - `Unusable`
  - `StoreFailed`
  - `Malformed`
  - `CursorMalformed`
  - `CursorForeign`
  - `AgentError`
"""

from __future__ import annotations


class ParleyError(Exception):
    """An error that an operator or a client can act on; its text says what is wrong."""


class SettingError(ParleyError):
    """A setting that can't be used; `meant` is a value that it takes and may have been meant."""

    def __init__(self, variable: str, value: object, takes: str, meant: str = "") -> None:
        hint = f" (did you mean {meant}?)" if meant else ""
        super().__init__(f"{variable} is {value!r}; it takes {takes}{hint}")
        self.variable = variable


class Unreachable(ParleyError):
    """Kafka, Valkey or the history store does not answer; retrying later may help."""


class Unusable(Unreachable):
    """A service answers, but can't be used until an operator has repaired it."""


class StoreFailed(ParleyError):
    """A table's store on this machine can't be read: the disk is the cause, not the event."""


class Malformed(ParleyError):
    """A record or request does not have the form that it should have."""


class CursorMalformed(ParleyError):
    """A cursor that no Parley ever made."""


class CursorForeign(ParleyError):
    """A cursor of another deployment, or one that was changed."""


class AgentError(ParleyError):
    """A mistake in an agent of one's own; its text begins with the file and line."""
