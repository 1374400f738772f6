"""A start that gets nowhere says why, and ends on a signal."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.embedded.child import Child
from app.embedded.kafka import Kafka
from app.embedded.valkey import Valkey
from app.settings import Settings
from tests.conftest import SECRET
from tests.support.chat import until


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """The port of a server that accepts connections, and says nothing."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def says_and_ends(
    kind: str, settings: Settings, says: str, number: signal.Signals, folder: Path
) -> None:
    """The process says so within ten seconds, and ends in order with the signal."""
    child = Child([sys.executable, "-P", "-m", "app.cli", kind], folder / "log", settings.environ())
    child.start()
    try:

        async def said() -> bool:
            assert child.running, child.tail()
            return says in child.log.read_text()

        await until(said, child.tail, 60)
        # By its own clock: on a busy machine Python alone may take so long to start.
        waited = re.search(rf"seconds=(\d+) {re.escape(says)}", child.log.read_text())
        assert waited is not None, child.tail()
        assert int(waited[1]) < 10
        child.send(number)
        assert await child.ended(30), child.tail()
        # It has not given up on a part, for which it has less than ten seconds.
        assert child.exit_code == 0, child.tail()
        assert "Traceback" not in child.log.read_text()
    finally:
        child.kill()


@pytest.mark.parametrize("kind", ["edge", "worker"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_before_a_broker_that_is_silent_says_so_and_ends(
    kind: str, number: signal.Signals, tmp_path: Path
) -> None:
    async with silent() as port:
        settings = Settings(broker=f"kafka://127.0.0.1:{port}", data=tmp_path, secret=SECRET)
        says = f"waits_for='Kafka at kafka://127.0.0.1:{port}'"
        await says_and_ends(kind, settings, says, number, tmp_path)


async def test_an_edge_that_speaks_tls_to_a_valkey_that_does_not_says_so_and_ends(
    kafka: Kafka, valkey: Valkey, tmp_path: Path
) -> None:
    url = valkey.url.replace("redis://", "rediss://me:hunter2@")
    settings = Settings(broker=kafka.url, redis=url, data=tmp_path, secret=SECRET)
    says = "waits_for='Valkey at rediss://"
    await says_and_ends("edge", settings, says, signal.SIGTERM, tmp_path)
    assert "hunter2" not in (tmp_path / "log").read_text()


async def test_an_edge_before_a_valkey_that_is_silent_says_so_and_ends(
    kafka: Kafka, tmp_path: Path
) -> None:
    async with silent() as port:
        url = f"redis://127.0.0.1:{port}"
        settings = Settings(broker=kafka.url, redis=url, data=tmp_path, secret=SECRET)
        says = f"waits_for='Valkey at {url}'"
        await says_and_ends("edge", settings, says, signal.SIGTERM, tmp_path)
