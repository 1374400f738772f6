from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.errors import Malformed
from app.events import (
    decode_command,
    decode_connection,
    decode_moderated,
    decode_receipt,
    decode_written,
    encode,
)
from app.topics import CONNECTIONS, MODERATED, PACE, RECEIPTS
from tests.faults.poison import RIGHT


@pytest.mark.parametrize("number", [b"-1", b"9007199254740993", b"9" * 30])
@pytest.mark.parametrize(
    ("topic", "field", "decode"),
    [
        (MODERATED, b'"src":1', decode_moderated),
        (MODERATED, b'"at_ms":1', decode_moderated),
        (RECEIPTS, b'"seq":3', decode_receipt),
        (CONNECTIONS, b'"at_ms":1', decode_connection),
        (PACE, b'"at_ms":1', decode_written),
    ],
)
def test_a_number_that_no_table_keeps_is_malformed(
    topic: str, field: bytes, decode: Callable[[bytes], Any], number: bytes
) -> None:
    value = encode(RIGHT[topic])
    decode(value)
    assert field in value
    with pytest.raises(Malformed):
        decode(value.replace(field, field[: field.index(b":") + 1] + number))


def test_what_is_wrong_with_a_record_is_said_in_a_few_words() -> None:
    with pytest.raises(Malformed) as raised:
        decode_command(b'{"kind": "' + b"x" * 1_000_000 + b'"}')
    assert len(str(raised.value)) <= 300
