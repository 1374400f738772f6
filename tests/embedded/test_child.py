from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.embedded.child import Child, tail
from tests.support.processes import alive, wait_until

_PARENT = """
import sys, time
from pathlib import Path
from app.embedded.child import Child
child = Child(["sleep", "600"], Path(sys.argv[1]))
child.start()
print(child.pid, flush=True)
time.sleep(600)
"""


def sleeper(tmp_path: Path, ignoring: str = "pass") -> Child:
    script = f"import signal, time; {ignoring}; print(chr(33), flush=True); time.sleep(600)"
    child = Child([sys.executable, "-c", script], tmp_path / "log")
    child.start()
    wait_until(lambda: "!" in child.tail(), 10, "the child did not start")
    return child


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's tie is Linux's")
def test_a_child_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, tmp_path / "log"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive({child})
        parent.kill()
        parent.wait()
        wait_until(lambda: not alive({child}), 5, "the child lives on")


async def test_stop_lets_a_child_end_by_itself(tmp_path: Path) -> None:
    child = sleeper(tmp_path)
    assert await child.stop()
    assert child.exit_code == -signal.SIGTERM


async def test_stop_kills_a_child_that_does_not_listen(tmp_path: Path) -> None:
    child = sleeper(tmp_path, ignoring="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    began = time.monotonic()
    assert not await child.stop(grace=0.1)
    assert child.exit_code == -signal.SIGKILL
    assert time.monotonic() - began < 5


async def test_a_child_is_out_of_reach_of_the_terminals_ctrl_c(tmp_path: Path) -> None:
    child = sleeper(tmp_path)
    assert os.getpgid(child.pid) != os.getpgid(0)
    await child.stop()


async def test_run_answers_the_exit_code_and_ends_what_takes_too_long(tmp_path: Path) -> None:
    assert await Child(["sh", "-c", "exit 3"], tmp_path / "log").run(within=10) == 3
    assert await Child(["sleep", "600"], tmp_path / "log").run(within=0.05) == -signal.SIGKILL


def test_tail_reads_the_end_of_a_long_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert tail(log, 2) == "line 99998\nline 99999"
    assert tail(tmp_path / "none", 2) == ""
