"""All databases of a worker share one block cache and one limit of write buffers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.stream import rocksdb_options
from app.stream.rocksdb_options import FILES_OF_EMPTY, SharedOptions
from app.stream.rocksdb_store import ROCKSDB


def opened(path: Path) -> Any:
    options = {name: value for name, value in ROCKSDB.items() if name != "driver"}
    return SharedOptions(**options, use_rocksdict=True).open(path)


def files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_blocks_and_writes_of_every_database_count_together(tmp_path: Path) -> None:
    cached = rocksdb_options._block_cache().get_usage()
    written = rocksdb_options._write_buffers().get_usage()
    databases = [opened(tmp_path / str(i)) for i in range(3)]
    for database in databases:
        for i in range(1000):
            database[b"%d" % i] = b"x" * 100
    assert rocksdb_options._write_buffers().get_usage() >= written + 3 * 100_000
    for database in databases:
        database.flush()
        assert database[b"7"] == b"x" * 100
    assert rocksdb_options._block_cache().get_usage() > cached
    for database in databases:
        database.close()


def test_an_empty_database_opens_as_many_files_as_are_counted(tmp_path: Path) -> None:
    before = files()
    databases = [opened(tmp_path / str(i)) for i in range(5)]
    assert files() - before == 5 * FILES_OF_EMPTY
    for database in databases:
        database.close()
