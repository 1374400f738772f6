from __future__ import annotations

from pathlib import Path

from app.mirror.failure_watch import FailureWatch, failure_in

KILLED = (
    "2026-11-28 08:00:00,123 ERROR WorkerTask: WorkerSourceTask{id=MirrorSourceConnector-0} Task"
    " threw an uncaught and unrecoverable exception. Task is being killed and will not recover"
    " until manually restarted\n"
    "org.apache.kafka.connect.errors.ConnectException: Unrecoverable exception\n"
    "\tat org.apache.kafka.connect.runtime.WorkerSourceTask.poll(WorkerSourceTask.java:1)\n"
    "Caused by: org.apache.kafka.common.errors.RecordTooLargeException: too large\n"
    "\t... 3 more\n"
)
AWAY = (
    "2026-11-28 08:00:01,000 ERROR Scheduler: caught exception in scheduled task: refreshing\n"
    "java.util.concurrent.ExecutionException: TimeoutException: Timed out\n"
)
UNFIT = (
    "2026-11-28 08:00:02,000 ERROR MirrorHerder: Failed to configure MirrorSourceConnector"
    " connector for eu->us\n"
    "org.apache.kafka.BadRequestException: Connector configuration is invalid\n"
    "tasks.max is no number\n"
    "You can also find the above list of errors at the endpoint\n"
    "\tat org.apache.kafka.connect.runtime.AbstractHerder\n"
)
WARNED = "2026-11-28 08:00:02,000 WARN Worker: Failed to start connector soon\n"


def test_a_task_that_is_killed_is_a_failure_with_its_last_cause() -> None:
    found = failure_in(AWAY + KILLED + WARNED)
    assert found.startswith("WorkerSourceTask{id=MirrorSourceConnector-0} Task threw")
    assert found.endswith(": org.apache.kafka.common.errors.RecordTooLargeException: too large")
    assert "\n" not in found


def test_a_connector_that_was_refused_is_one_with_the_setting() -> None:
    assert failure_in(UNFIT).endswith("configuration is invalid: tasks.max is no number")
    assert failure_in(UNFIT.replace("Source", "Checkpoint")) == ""


def test_a_broker_that_is_away_is_none() -> None:
    assert failure_in(AWAY + WARNED) == ""
    assert failure_in("") == ""


def test_each_failure_is_told_once_also_behind_a_change_of_files(tmp_path: Path) -> None:
    log = tmp_path / "mirrormaker.log"
    watch = FailureWatch(log)
    assert watch.look() == ""
    log.write_text(AWAY + KILLED)
    assert "RecordTooLarge" in watch.look()
    assert watch.look() == ""
    log.write_text(KILLED)
    assert "RecordTooLarge" in watch.look()
    assert FailureWatch(log).look() == ""
