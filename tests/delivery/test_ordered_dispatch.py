"""Beyond a limit, messages that wait for dispatch wait in Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from app.delivery import ordered_dispatch
from app.delivery.ordered_dispatch import OrderedDispatch
from tests.support.chat import until


class ValkeyConnection:
    """What of a connection counts here."""

    def __init__(self) -> None:
        self.reads = True

    def pause(self) -> None:
        assert self.reads
        self.reads = False

    def resume(self) -> None:
        assert not self.reads
        self.reads = True


async def test_a_connection_that_is_paused_while_what_waited_is_given_out_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ordered_dispatch, "_MOST_WAITING", 3)
    got: list[bytes] = []
    free = {data: asyncio.Event() for data in (b"1", b"2")}

    def on_message(_: bytes, data: bytes) -> Awaitable[None] | None:
        got.append(data)
        return wait(free[data]) if data in free else None

    async def wait(event: asyncio.Event) -> None:
        await event.wait()

    wire = ValkeyConnection()
    dispatcher = OrderedDispatch(on_message, lambda: None)
    dispatcher.read_from(wire)  # type: ignore[arg-type]
    await dispatcher.open()
    for data in (b"1", b"2"):
        dispatcher.dispatch(b"c", data)
    free[b"1"].set()
    await until(lambda: _async(got == [b"1", b"2"]))
    for data in (b"3", b"4", b"5", b"6"):
        dispatcher.dispatch(b"c", data)
    assert not wire.reads
    free[b"2"].set()
    await until(lambda: _async(wire.reads))
    assert got == [b"1", b"2", b"3", b"4", b"5", b"6"]
    dispatcher.dispatch(b"c", b"7")
    assert got[-1] == b"7"


async def _async(value: bool) -> bool:
    return value
