from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import SettingError
from app.settings import Settings, named


@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(port=81, ping=2.5, data=Path("/x"), broker="kafka://a:1,b:2")],
)
def test_another_process_reads_the_same_settings(settings: Settings) -> None:
    inherited = {"PARLEY_PORT": "9", "PARLEY_HISTORY": "sqlite://"}
    assert Settings.read({**inherited, **settings.environ()}) == settings


def test_what_is_set_to_its_default_is_still_named() -> None:
    assert named({"PARLEY_BROKER": Settings().broker, "PARLEY_REDIS": ""}) == {"broker"}


@pytest.mark.parametrize(
    ("variable", "value", "takes"),
    [
        ("PARLEY_PORT", "http", "a number"),
        ("PARLEY_PARTITIONS", "25", "1 to 24"),
        ("PARLEY_SECRET", "short", "at least 32 characters"),
        ("PARLEY_BROKER", "127.0.0.1:9092", "kafka://host:port"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(variable: str, value: str, takes: str) -> None:
    with pytest.raises(SettingError, match=f"{variable} is .*{takes}"):
        Settings.read({variable: value})
