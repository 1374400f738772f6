"""Settings whose values stand in files: secrets, and addresses with passwords."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import SettingError
from app.settings import FROM_FILES, Settings, fill_in, named, unknown

#: What each setting is that may come from a file, and the settings that it needs beside it.
HELD = {
    "broker": "kafka://a:1",
    "history": "postgresql://me:hunter2@h/parley",
    "jwks": "https://me:hunter2@id.example/keys",
    "push_gateway": "https://me:hunter2@push.example",
    "push_key": "A" * 42 + "E",
    "redis": "redis://:hunter2@h",
    "secret": "s" * 32,
    "secret_other": " " * 32,
    "upload_hook": "https://me:hunter2@hook.example",
}
ISSUER = {"PARLEY_ISSUER": "https://id.example", "PARLEY_AUDIENCE": "parley"}
BESIDE = {field: ISSUER if field == "jwks" else {} for field in HELD}


@pytest.mark.parametrize("field", FROM_FILES)
def test_a_setting_that_may_be_secret_comes_from_a_file_as_well(field: str, tmp_path: Path) -> None:
    file = tmp_path / "one"
    file.write_text(f"{HELD[field]}\n")
    environ = BESIDE[field] | {f"PARLEY_{field.upper()}_FILE": str(file)}
    settings = Settings.read(environ)
    assert getattr(settings, field) == HELD[field]
    assert named(environ) == {field, *(name[7:].lower() for name in BESIDE[field])}
    assert unknown(environ) == {}
    # A process that this one starts inherits the name of the file, and is told the value.
    assert Settings.read(environ | settings.environ()) == settings


@pytest.mark.parametrize(
    ("content", "takes"),
    [(None, "No such file"), (b"", "a file with the value"), (b"\xff", "not UTF-8")],
)
def test_a_file_that_has_no_secret_is_named(
    content: bytes | None, takes: str, tmp_path: Path
) -> None:
    file = tmp_path / "one"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingError, match=f"PARLEY_SECRET_FILE is .*{takes}"):
        Settings.read({"PARLEY_SECRET_FILE": str(file)})


def test_a_secret_comes_from_one_place(tmp_path: Path) -> None:
    file = tmp_path / "one"
    file.write_text("s" * 32)
    both = {"PARLEY_SECRET_FILE": str(file), "PARLEY_SECRET": "t" * 32}
    with pytest.raises(SettingError, match=r"PARLEY_SECRET_FILE is .*PARLEY_SECRET is set, too"):
        Settings.read(both)


def test_what_a_file_holds_is_not_taken_from_a_running_parley(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "one"
    file.write_text("s" * 32)
    monkeypatch.setenv("PARLEY_SECRET_FILE", str(file))
    monkeypatch.delenv("PARLEY_SECRET", raising=False)
    fill_in({"PARLEY_SECRET": "t" * 32})
    assert Settings.read().secret == "s" * 32
