"""Many keys in one statement, as one parameter: the statement is the same however many they are."""

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


def wanted(connection: Connection, keys: Iterable[tuple[str, int]]) -> CTE:
    """The keys, as (room, seq), in the form of a table `wanted` with columns `room` and `seq`."""
    given = literal(orjson.dumps(list(keys)).decode(), Text)
    room: Any
    seq: Any
    if connection.dialect.name == "sqlite":
        each = func.json_each(given).table_valued("value", name="each")
        room = func.json_extract(each.c.value, "$[0]", type_=Text)
        seq = func.json_extract(each.c.value, "$[1]", type_=BigInteger)
    else:
        each = func.json_array_elements(cast(given, JSON)).table_valued("value", name="each")
        room = type_coerce(each.c.value, JSON)[0].as_string()
        seq = cast(type_coerce(each.c.value, JSON)[1].as_string(), BigInteger)
    return select(room.label("room"), seq.label("seq")).cte("wanted")


def wanted_rooms(connection: Connection, rooms: Iterable[str]) -> CTE:
    """The rooms, in the form of a table `wanted` with a column `room`."""
    given = literal(orjson.dumps(list(rooms)).decode(), Text)
    if connection.dialect.name == "sqlite":
        each = func.json_each(given).table_valued("value", name="each")
        room: Any = type_coerce(each.c.value, Text)
    else:
        each = func.json_array_elements_text(cast(given, JSON)).table_valued("value", name="each")
        room = type_coerce(each.c.value, Text)
    return select(room.label("room")).cte("wanted")
