"""RocksDB's memory and files, shared by the databases of all tables and partitions.

A worker has one database for each partition of each table: hundreds, if it has all 24 partitions.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import rocksdict
from faust.stores import rocksdb as stock

#: Bytes of uncompressed blocks in memory, of all databases together.
_BLOCK_CACHE: Final = 256 * 1024 * 1024

#: Bytes of writes in memory, of all databases together, beyond which the written one is flushed. A
#: database takes half a megabyte with its first write.
_WRITE_BUFFERS: Final = 512 * 1024 * 1024

#: Open files of a database without any table file: two folders, the log, the manifest, the lock and
#: the write-ahead log.
FILES_OF_EMPTY: Final = 6

#: Table files that a database keeps open, plus ten, by which RocksDB lowers the number.
MAX_OPEN_FILES: Final = 40


@cache
def _block_cache() -> Any:
    return rocksdict.Cache(_BLOCK_CACHE)


@cache
def _write_buffers() -> Any:
    return rocksdict.WriteBufferManager(_WRITE_BUFFERS, False)


class SharedOptions(stock.RocksDBOptions):
    """Faust's options, but with one block cache and one limit of write buffers for all."""

    def as_options(self) -> Any:
        """The options of one database."""
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_max_open_files(self.max_open_files or MAX_OPEN_FILES)
        options.set_write_buffer_size(self.write_buffer_size)
        options.set_write_buffer_manager(_write_buffers())
        options.set_max_write_buffer_number(self.max_write_buffer_number)
        options.set_target_file_size_base(self.target_file_size_base)
        blocks = rocksdict.BlockBasedOptions()
        blocks.set_bloom_filter(self.bloom_filter_size, block_based=True)
        blocks.set_block_cache(_block_cache())
        blocks.set_index_type(rocksdict.BlockBasedIndexType.binary_search())
        options.set_block_based_table_factory(blocks)
        return options
