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
    """A test passed when its body did, and neither its set-up nor its clearing up failed."""
    if report.failed:
        _outcomes[report.nodeid] = "failed"
    elif report.when == "call" or report.skipped:
        _outcomes.setdefault(report.nodeid, report.outcome)
    if report.when == "teardown":
        _resumed.extend(value for name, value in report.user_properties if name == "resumed")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A file that can't be read is a failure, too."""
    if report.failed:
        _outcomes[report.nodeid] = "failed"


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
        late = sum(seconds > GOAL for _, seconds in _resumed)
        print(
            f"resumed {len(_resumed)} times, the slowest {slowest:.1f} s after: {what};"
            f" {late} took more than {GOAL:.0f} s"
        )
    print(f"{count['passed']} passed, {count['failed']} failed")
