from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from app.errors import ParleyError
from app.local.data_folder import announce, held, is_held, join, kept_secret
from app.settings import Settings


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`join` writes to the environment: give that back after each test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    monkeypatch.setattr(os, "environ", kept)


def test_a_folder_is_held_once(tmp_path: Path) -> None:
    with held(tmp_path):
        assert is_held(tmp_path)
        with pytest.raises(ParleyError, match="is running on"), held(tmp_path):
            pass
    assert not is_held(tmp_path)


def test_fresh_empties_what_parley_made(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with held(data):
        (data / "kafka").mkdir()
        secret = kept_secret(data)
    with held(data, fresh=True):
        assert not (data / "kafka").exists()
        assert kept_secret(data) != secret


def test_fresh_leaves_a_folder_alone_that_somebody_else_made(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ParleyError, match="did not make"), held(tmp_path, fresh=True):
        pass
    assert (tmp_path / "thesis.txt").exists()


def test_the_secret_stays_the_same_and_private(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path)
    assert len(secret) >= 32
    assert kept_secret(tmp_path) == secret
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600


def test_a_folder_of_before_is_closed_to_others(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with held(data):
        pass
    data.chmod(0o755)
    with held(data):
        assert data.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_somebody_else_made_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    tmp_path.chmod(0o755)
    with held(tmp_path):
        assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_other_commands_take_what_up_announces_while_it_runs(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, broker="kafka://127.0.0.1:1", worker="up", secret="s" * 32)
    with held(tmp_path):
        announce(settings)
        join(tmp_path, but=frozenset({"worker"}))
    assert Settings.read() == replace(settings, worker="")


def test_the_environment_comes_before_what_up_announces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_BROKER", "kafka://mine:1")
    with held(tmp_path):
        announce(Settings(data=tmp_path, broker="kafka://theirs:1", redis="redis://theirs:1"))
        join(tmp_path)
    assert Settings.read().broker == "kafka://mine:1"
    assert Settings.read().redis == "redis://theirs:1"


def test_nothing_but_the_secret_is_taken_from_an_up_that_ended(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path)
    (tmp_path / "running.json").write_text('{"PARLEY_BROKER": "kafka://gone:1"}')
    join(tmp_path)
    assert Settings.read() == Settings(secret=secret)
