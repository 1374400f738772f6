"""Sets of keys as one parameter, so that the statement does not depend on their number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from sqlalchemy import (
    CTE,
    JSON,
    BigInteger,
    Connection,
    Text,
    cast,
    func,
    literal,
    select,
    type_coerce,
)


def pairs(connection: Connection, keys: Iterable[tuple[str, int]]) -> CTE:
    """The keys as a table with the columns `room` and `seq`."""
    value = _each(connection, "json_array_elements", list(keys))
    room: Any
    seq: Any
    if connection.dialect.name == "sqlite":
        room = func.json_extract(value, "$[0]", type_=Text)
        seq = func.json_extract(value, "$[1]", type_=BigInteger)
    else:
        room = type_coerce(value, JSON)[0].as_string()
        seq = cast(type_coerce(value, JSON)[1].as_string(), BigInteger)
    return select(room.label("room"), seq.label("seq")).cte("wanted")


def names(connection: Connection, texts: Iterable[str]) -> CTE:
    """The texts as a table with the column `name`."""
    value = _each(connection, "json_array_elements_text", list(texts))
    return select(type_coerce(value, Text).label("name")).cte("named")


def _each(connection: Connection, postgresql: str, values: list[Any]) -> Any:
    given = literal(orjson.dumps(values).decode(), Text)
    if connection.dialect.name == "sqlite":
        return func.json_each(given).table_valued("value", name="each").c.value
    function = getattr(func, postgresql)
    return function(cast(given, JSON)).table_valued("value", name="each").c.value
