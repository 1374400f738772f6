from __future__ import annotations

from pathlib import Path

import pytest

from app.embedded.java import OLDEST, find_java, packaged_java, version_of


def old_java(folder: Path) -> Path:
    """A program that says what an old Java says of itself."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    program.chmod(0o755)
    return program


def test_an_old_java_is_passed_over_for_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = old_java(tmp_path)
    assert version_of(program) == 11
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(program.parent))
    found = find_java()
    assert found.program == packaged_java()
    assert found.major >= OLDEST


def test_java_home_comes_before_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = packaged_java()
    assert packaged is not None
    monkeypatch.setenv("JAVA_HOME", str(packaged.parents[1]))
    assert find_java().program == packaged


def test_what_does_not_run_has_no_version(tmp_path: Path) -> None:
    assert version_of(tmp_path / "java") == 0
