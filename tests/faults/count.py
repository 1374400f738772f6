"""A pytest plugin whose last line says how many tests passed and failed: `make faults`."""

from __future__ import annotations

from collections import Counter

import pytest

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


def pytest_unconfigure() -> None:
    """After pytest's own summary."""
    count = Counter(_outcomes.values())
    if count["skipped"]:
        print(f"{count['skipped']} skipped")
    for what, seconds in _resumed:
        mark = f", which is more than {GOAL:.0f} s" if seconds > GOAL else ""
        print(f"resumed {seconds:5.1f} s after: {what}{mark}")
    if _resumed:
        what, slowest = max(_resumed, key=lambda each: each[1])
        print(
            f"resumed {len(_resumed)} times, the slowest {slowest:.1f} s after: {what};"
            f" {_late(_resumed)} took more than {GOAL:.0f} s"
        )
    print(f"{count['passed']} passed, {count['failed']} failed")


def _late(resumed: list[tuple[str, float]]) -> int:
    return sum(seconds > GOAL for _, seconds in resumed)
