"""A pytest plugin whose last line says how many tests passed and failed: `make faults`."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

#: The environment variable with the file that keeps the count from one run of pytest to the next.
TALLY = "FAULTS_TALLY"

#: Seconds within which everything goes on by itself once a fault is over.
GOAL = 30.0

_outcomes: dict[str, str] = {}
#: What happened, and the seconds until everything went on.
_resumed: list[tuple[str, float]] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test passed when its body did, and neither its set-up nor its clearing up failed.

    And when all went on in time.
    """
    if report.failed:
        _outcomes[report.nodeid] = "failed"
    elif report.when == "call" or report.skipped:
        _outcomes.setdefault(report.nodeid, report.outcome)
    if report.when == "teardown":
        resumed = [value for name, value in report.user_properties if name == "resumed"]
        _resumed.extend(resumed)
        if _late(resumed):
            _outcomes[report.nodeid] = "failed"


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A file that can't be read is a failure, too."""
    if report.failed:
        _outcomes[report.nodeid] = "failed"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """pytest itself knows of no test that was too slow."""
    if _late(_resumed) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure(config: pytest.Config) -> None:
    """After pytest's own summary: of this run, and of those before it."""
    if hasattr(config, "workerinput"):  # a process of `-n`, which reports to another
        return
    count, resumed = _with_former(Counter(_outcomes.values()), _resumed)
    if count["skipped"]:
        print(f"{count['skipped']} skipped")
    for what, seconds in resumed:
        mark = f", which is more than {GOAL:.0f} s" if seconds > GOAL else ""
        print(f"resumed {seconds:5.1f} s after: {what}{mark}")
    if resumed:
        what, slowest = max(resumed, key=lambda each: each[1])
        print(
            f"resumed {len(resumed)} times, the slowest {slowest:.1f} s after: {what};"
            f" {_late(resumed)} took more than {GOAL:.0f} s"
        )
    print(f"{count['passed']} passed, {count['failed']} failed")


def _with_former(
    count: Counter[str], resumed: list[tuple[str, float]]
) -> tuple[Counter[str], list[tuple[str, float]]]:
    """The count with that of the runs before, which is kept for the next."""
    if not (name := os.environ.get(TALLY)):
        return count, resumed
    kept = Path(name)
    if kept.exists():
        former = json.loads(kept.read_text())
        count = count + Counter(former["count"])
        resumed = [*map(tuple, former["resumed"]), *resumed]
    kept.write_text(json.dumps({"count": count, "resumed": resumed}))
    return count, resumed


def _late(resumed: list[tuple[str, float]]) -> int:
    return sum(seconds > GOAL for _, seconds in resumed)
