"""Quantiles, tables, goals: the output of a benchmark."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

OUT = Path(__file__).parent / "out"


class Goal(NamedTuple):
    """A goal, whether it was met, and the measured value."""

    what: str
    met: bool
    measured: str


def quantiles(nanoseconds: Iterable[int]) -> dict[str, float]:
    """p50, p90, p99 and max in milliseconds, by nearest rank; empty where nothing was measured."""
    ordered = sorted(nanoseconds)
    if not ordered:
        return {}
    ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    last = len(ordered) - 1
    return {
        name: round(ordered[min(last, int(rank * len(ordered)))] / 1e6, 2)
        for name, rank in ranks.items()
    }


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Text in columns, the first to the left, the others to the right."""
    lines = [list(head)] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def keep(name: str, result: dict[str, Any]) -> Path:
    """Write the result, with when and on what it was measured, to `bench/out/<name>.json`."""
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{name}.json"
    measured_on = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": platform.platform(),
        "cores": os.cpu_count(),
    }
    path.write_text(json.dumps(measured_on | result, indent=2) + "\n")
    return path


def judge(goals: Sequence[Goal]) -> str:
    """A line for each goal, and last the line that sums them up."""
    lines = [
        f"{'met   ' if goal.met else 'MISSED'}  {goal.what}: {goal.measured}" for goal in goals
    ]
    return "\n".join([*lines, f"goals met: {sum(goal.met for goal in goals)} of {len(goals)}"])
