"""A value that is written once more never replaces a newer one, wherever that is on its way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain.versioned_value import unwrap, wrap
from app.stream.write_buffer import WriteBuffer

KEY = (0, b"key")


def in_hand(buffer: WriteBuffer) -> None:
    """The batch is under way."""


def settled(buffer: WriteBuffer) -> None:
    buffer.settle()


def sent(buffer: WriteBuffer) -> None:
    buffer.settle()
    buffer.send()


def all_sent(buffer: WriteBuffer) -> list[int]:
    """The versions that the changelog gets from now on."""
    buffer.settle()
    return [unwrap(raw).version for raw in buffer.send().values()]


@pytest.mark.parametrize("stage", [in_hand, settled, sent])
def test_an_older_value_is_not_written_again(stage: Callable[[WriteBuffer], None]) -> None:
    buffer = WriteBuffer()
    buffer.write(KEY, wrap(12, b"new"))
    stage(buffer)
    buffer.write_again(KEY, wrap(10, b"old"))
    assert buffer.get(KEY) == wrap(12, b"new")
    assert 10 not in all_sent(buffer)


@pytest.mark.parametrize("version", [12, 13])
def test_the_value_itself_is_written_again_behind_an_older_one_of_another_worker(
    version: int,
) -> None:
    buffer = WriteBuffer()
    buffer.write(KEY, wrap(12, b"new"))
    sent(buffer)
    buffer.write_again(KEY, wrap(version, b"new"))
    assert all_sent(buffer) == [version]
