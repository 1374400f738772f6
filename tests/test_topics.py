"""A room's partition is Kafka's own, whoever reckons it."""

from __future__ import annotations

from aiokafka.partitioner import murmur2 as theirs
from hypothesis import given
from hypothesis import strategies as st

from app.murmur import murmur2


@given(st.binary(max_size=80))
def test_a_key_has_the_partition_that_kafka_gives_it(key: bytes) -> None:
    assert murmur2(key) & 0x7FFFFFFF == theirs(key) & 0x7FFFFFFF
