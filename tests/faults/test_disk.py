"""After a worker's disk is damaged or lost, its tables are recovered from Kafka."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import rocksdict

from app.stream.rocksdb_store import RocksDBStore
from tests.faults.frail import Frail, at_work
from tests.faults.load import FULL, Load

pytestmark = [pytest.mark.faults, pytest.mark.long]


def spoil(folder: Path) -> int:
    """Write nonsense over all that RocksDB has there; how many files."""
    files = [file for file in folder.rglob("*") if file.is_file() and ".db" in str(file.parent)]
    for file in files:
        file.write_bytes(b"\x00nonsense" * 32)
    return len(files)


def remove(folder: Path) -> int:
    """Remove all of it."""
    shutil.rmtree(folder)
    return 1


def boast(folder: Path) -> int:
    """Have it stand where Kafka has not come to, as when Kafka has lost its end."""
    stores = list(folder.rglob("*.db"))
    for path in stores:
        store = rocksdict.Rdict(str(path), rocksdict.Options(raw_mode=True))
        store[RocksDBStore.offset_key] = b"1000000"
        store.close()
    return len(stores)


@pytest.mark.timeout(600)
async def test_a_worker_whose_tables_are_damaged_gone_or_ahead_recovers_them(frail: Frail) -> None:
    chat = frail.chat
    async with Load(chat, FULL) as load:
        for lives, harm in enumerate((spoil, remove, boast), start=2):
            await load.moment()
            chat.workers[-1].kill()
            assert harm(chat.settings.data / "workers" / "w1") > 0
            await at_work(chat.start_worker("w1"), times=lives)
            await frail.back(load, f"a worker's tables: {harm.__name__}")
        await load.steady(4)
    await frail.unharmed(load)
