"""`make faults`: short and slow tests two at a time, then the long ones, and one count of all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults.count import TALLY

#: A long test measures how soon everything goes on, so it has the machine to itself.
_PARTS = (("-n", "2", "-m", "(faults or slow) and not long"), ("-m", "long"))


def main(options: list[str]) -> int:
    """Run both parts with the options of pytest; the exit code of the worse one."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, TALLY: str(Path(folder) / "tally.json")}
        codes = []
        for part in _PARTS:
            command = [sys.executable, "-m", "pytest", "-p", "tests.faults.count", *part, *options]
            codes.append(subprocess.run(command, env=environ, check=False).returncode)
            if codes[-1] == pytest.ExitCode.INTERRUPTED or (codes[-1] == 1 and "-x" in options):
                break
    ran = [code for code in codes if code != pytest.ExitCode.NO_TESTS_COLLECTED]
    return max(ran, default=pytest.ExitCode.NO_TESTS_COLLECTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
