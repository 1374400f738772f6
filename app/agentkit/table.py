"""`do.table`: an agent's own values, as a mapping that settles with the event's other effects."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, Final, Generic, TypeVar

import msgspec

from app.agentkit.effects import VALUE, Effects, Entries, Scope, encoded
from app.errors import AgentError

T = TypeVar("T")

#: Values of these types can't change in place.
_IMMUTABLE: Final = (int, float, str, bytes, bool, type(None))

#: Bytes of a value, at most: with the others of a checkpoint it has to fit into a record batch.
LARGEST: Final = 256 * 1024


class TableType(Generic[T]):
    """The type of a table's values, and how a missing one begins."""

    def __init__(self, type_: type[T]) -> None:
        self.type = type_
        self._decoder = msgspec.msgpack.Decoder(type_)

    def decode(self, key: str, raw: bytes) -> T:
        """A stored value; raises `AgentError` where the type can't read it."""
        try:
            return self._decoder.decode(raw)
        except msgspec.DecodeError as error:
            found = msgspec.msgpack.decode(raw)
            raise AgentError(
                f"the table's value of {key!r} is {found!r}, which is no"
                f" {getattr(self.type, '__name__', self.type)} ({error}): give new fields defaults,"
                " or rebuild the table with `parley agents replay`"
            ) from error

    def check(self, value: object, raw: bytes) -> None:
        """Raise `TypeError` where the value, which is encoded as `raw`, is none of this type."""
        try:
            self._decoder.decode(raw)
        except msgspec.DecodeError as error:
            name = getattr(self.type, "__name__", self.type)
            raise TypeError(f"{value!r} is no {name}, as the table has them ({error})") from None

    def missing(self, key: str) -> T:
        """The value that a key has before its first; raises `KeyError` for a type without one."""
        try:
            return self.type()
        except TypeError:
            raise KeyError(key) from None


class ScopedTable(MutableMapping[str, T]):
    """The values of one room, by key.

    A missing key begins with the type's own default: 0 for `int`, `[]` for `list`, a struct whose
    fields all have defaults. A value that is changed in place is written as well.
    """

    def __init__(
        self, type_: TableType[T], scope: Scope, entries: Entries, effects: Effects
    ) -> None:
        self._type = type_
        self._scope = scope
        self._entries = entries
        self._effects = effects
        #: Values that were read or written, decoded, and their bytes when they were read.
        self._known: dict[str, T] = {}
        self._read: dict[str, bytes | None] = {}

    def __getitem__(self, key: str) -> T:
        if key in self._known:
            return self._known[key]
        raw = self._raw(key)
        value = self._type.missing(key) if raw is None else self._type.decode(key, raw)
        self._remember(key, value, raw)
        return value

    def __setitem__(self, key: str, value: T) -> None:
        self._remember(key, value, self._write(key, value))

    def __delitem__(self, key: str) -> None:
        if self._raw(key) is None:
            raise KeyError(key)
        self._known.pop(key, None)
        self._read.pop(key, None)
        self._effects.writes[self._table_key(key)] = None

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._raw(key) is not None

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or the default where there is none."""
        return self[key] if key in self else default  # noqa: SIM401 - this is that `get`

    def __iter__(self) -> Iterator[str]:
        prefix = self._scope.table_key(VALUE)
        stored = {key[len(prefix) :] for key, _ in self._entries.prefixed(self._scope, prefix)}
        for key, raw in self._effects.writes.items():
            if key.startswith(prefix):
                name = key[len(prefix) :]
                (stored.discard if raw is None else stored.add)(name)
        return iter(sorted(stored))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def keep_changes(self) -> None:
        """Write the values that have changed in place since they were read."""
        for key, raw in self._read.items():
            value = self._known[key]
            # A missing value that was only read stays missing.
            before = encoded(self._type.missing(key)) if raw is None else raw
            if encoded(value) != before:
                self._write(key, value)

    def _remember(self, key: str, value: T, raw: bytes | None) -> None:
        self._known[key] = value
        if not isinstance(value, _IMMUTABLE):
            self._read[key] = raw

    def _raw(self, key: str) -> bytes | None:
        table_key = self._table_key(key)
        if table_key in self._effects.writes:
            return self._effects.writes[table_key]
        return self._entries.get(self._scope, table_key)

    def _table_key(self, key: str) -> str:
        return self._scope.table_key(VALUE, key)

    def _write(self, key: str, value: T) -> bytes:
        if not isinstance(key, str):
            raise TypeError(f"a table's key is a text, not {key!r}")
        raw = encoded(value)
        if len(raw) > LARGEST:
            raise AgentError(f"the table's value of {key!r} has {len(raw)} bytes, over {LARGEST}")
        if type(value) is not self._type.type:
            self._type.check(value, raw)
        self._effects.writes[self._table_key(key)] = raw
        return raw
