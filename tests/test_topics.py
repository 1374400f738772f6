"""A room's partition is Kafka's own, whoever reckons it."""

from __future__ import annotations

from importlib import import_module

import pytest
from aiokafka.partitioner import murmur2 as theirs
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.binary(max_size=80)


@given(KEYS)
def test_a_key_has_the_partition_that_kafka_gives_it(key: bytes) -> None:
    _holds("app.runtime.murmur2", key)


@given(KEYS)
def test_a_key_has_that_partition_in_c_too(key: bytes) -> None:
    pytest.importorskip("app.runtime._murmur2", reason="set up without a C compiler")
    _holds("app.runtime._murmur2", key)


def _holds(module: str, key: bytes) -> None:
    assert import_module(module).murmur2(key) & 0x7FFFFFFF == theirs(key) & 0x7FFFFFFF
