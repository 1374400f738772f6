"""Which files are agents, and what becomes of one that is broken: seen at a real `parley worker`.

None of this needs Kafka: a worker looks for its agents first.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.test_cli import parley

AGENT = """
from app.stream.consumer_groups import group

group(__name__.removeprefix("own_agents."))
"""


def worker(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return parley("worker", data=folder / "data", PARLEY_AGENTS=str(folder), **environ)


def groups(folder: Path) -> set[str]:
    """The groups that a worker finds, as it tells somebody who asks for another one."""
    told = worker(folder, PARLEY_ONLY="no such group")
    assert told.returncode == 2, told.stderr
    return set(told.stderr.split("the groups are ")[1].strip().split(", "))


def test_each_file_of_the_folder_is_an_agent_whatever_its_name(tmp_path: Path) -> None:
    for name in ("latest_seen", "contest_x", "test_y", "_hidden"):
        (tmp_path / f"{name}.py").write_text(AGENT)
    (tmp_path / "notes.txt").write_text("no agent")
    (tmp_path / "folder").mkdir()
    found = groups(tmp_path)
    assert {"latest_seen", "contest_x", "test_y"} <= found
    assert "_hidden" not in found


def test_parleys_own_agents_are_there_with_an_empty_folder(tmp_path: Path) -> None:
    assert groups(tmp_path) == {
        "archive",
        "fan_out",
        "pace",
        "pipeline",
        "presence",
        "push",
        "receipts",
        "subscriptions",
    }


def test_a_plain_agent_that_fails_to_import_stops_the_worker(tmp_path: Path) -> None:
    (tmp_path / "sound.py").write_text(AGENT)
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_library\n")
    ended = worker(tmp_path)
    assert ended.returncode != 0
    assert "Traceback (most recent call last)" in ended.stderr
    assert f'File "{broken}", line 1' in ended.stderr
    assert "ModuleNotFoundError: No module named 'no_such_library'" in ended.stderr


def test_a_file_that_is_no_python_stops_nothing_and_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "sound.py").write_text(AGENT)
    broken = tmp_path / "broken.py"
    broken.write_text("def broken(:\n")
    ended = worker(tmp_path, PARLEY_ONLY="broken")
    assert f"{broken}:1: invalid syntax" in ended.stderr
    assert groups(tmp_path) > {"sound", "pipeline"}


def test_a_folder_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    ended = parley("worker", data=tmp_path, PARLEY_AGENTS=str(nowhere))
    assert ended.returncode == 1
    assert ended.stderr == f"parley: PARLEY_AGENTS is '{nowhere}', which is not a folder\n"
