"""Which files of this package use private names of Faust, mode and aiokafka."""

from __future__ import annotations

from app.kafka.versions import require_tested

_FAUST = (
    "app/stream/consumer.py",
    "app/stream/consumer_groups.py",
    "app/stream/consumer_thread.py",
    "app/stream/fail_stop.py",
    "app/stream/lag.py",
    "app/stream/rocksdb_store.py",
    "app/stream/table.py",
    "app/stream/table_recovery.py",
    "app/stream/transport.py",
)


def check_versions() -> None:
    """Raise `ParleyError` where a library has another release than the overrides were tested with.

    For the start of a worker, before its consumer groups are made.
    """
    require_tested("faust-streaming", *_FAUST)
    require_tested("mode-streaming", "app/stream/consumer_thread.py", "app/stream/fail_stop.py")
    require_tested("aiokafka", "app/stream/consumer_thread.py", "app/stream/fetch_control.py")
    require_tested("aiokafka", "app/stream/commit_check.py", "app/stream/assignment_check.py")
