from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jwt
import pytest

from app.embedded.ports import free_port
from app.runtime.webhook_signature import hook_secret
from app.settings import Settings

SECRET = "0123456789abcdef0123456789abcdef"

ISSUER = {
    "PARLEY_JWKS": "keys.json",
    "PARLEY_ISSUER": "https://id.example",
    "PARLEY_AUDIENCE": "parley",
}

COMMANDS = (
    *("up", "worker", "edge", "token", "hook-secret", "replay", "doctor"),
    *("dead", "forget", "rebuild", "revoke", "verify"),
)


def parley(*arguments: str, data: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        env={**kept, "PARLEY_DATA": str(data), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def on(settings: Settings) -> dict[str, str]:
    """The settings as variables, without the data folder, which `parley` takes by name."""
    return {name: v for name, v in settings.environ().items() if name != "PARLEY_DATA"}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str, tmp_path: Path) -> None:
    helped = parley(command, "--help", data=tmp_path)
    assert helped.returncode == 0, helped.stderr
    assert f"Usage: parley {command}" in helped.stdout


def test_help_lists_the_commands(tmp_path: Path) -> None:
    listed = parley("--help", data=tmp_path).stdout
    for command in COMMANDS:
        assert f"  {command} " in listed


def test_up_says_where_the_data_is(tmp_path: Path) -> None:
    helped = parley("up", "--help", data=tmp_path).stdout
    assert "data/" in helped
    assert "PARLEY_DATA" in helped


def test_a_token_says_who_its_bearer_is(tmp_path: Path) -> None:
    made = parley("token", "ann", "--days", "2", data=tmp_path, PARLEY_SECRET=SECRET)
    claims = jwt.decode(made.stdout.strip(), SECRET, algorithms=["HS256"])
    assert claims["sub"] == "ann"
    assert claims["exp"] - claims["iat"] == 2 * 24 * 60 * 60


def test_a_token_says_that_its_bearer_is_an_admin_as_the_setting_does(tmp_path: Path) -> None:
    for claim, wanted in ((None, ("parley_admin", True)), ("roles=chat", ("roles", ["chat"]))):
        environ = {"PARLEY_SECRET": SECRET} | ({"PARLEY_ADMIN_CLAIM": claim} if claim else {})
        made = parley("token", "ann", "--admin", data=tmp_path, **environ)
        claims = jwt.decode(made.stdout.strip(), SECRET, algorithms=["HS256"])
        assert claims[wanted[0]] == wanted[1]


def test_the_secret_of_a_hook_is_printed_and_is_not_the_secret(tmp_path: Path) -> None:
    url = "https://hook.example"
    environ = {"PARLEY_SECRET": SECRET, "PARLEY_UPLOAD_HOOK": url}
    asked = [["upload"], ["upload", url], ["moderation", url], ["moderation", f"{url}/"]]
    printed = [
        parley("hook-secret", *arguments, data=tmp_path, **environ).stdout.strip()
        for arguments in asked
    ]
    assert printed[0] == printed[1] == hook_secret(SECRET, "upload", url)
    assert len(set(printed)) == 3
    assert SECRET not in "".join(printed)
    assert parley("hook-secret", "moderation", data=tmp_path, **environ).returncode == 2


def test_a_command_and_what_it_starts_make_files_for_their_owner_alone(tmp_path: Path) -> None:
    said = parley("--version", data=tmp_path)
    assert said.returncode == 0
    code = "import os; from app.cli import parley; parley(['doctor'], standalone_mode=False)"
    script = (
        f"import os, sys\nos.umask(0o022)\ntry:\n    {code}\nexcept SystemExit: pass\n"
        "print('umask', oct(os.umask(0)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PARLEY_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stdout.strip().endswith("umask 0o77"), run.stdout + run.stderr


@pytest.mark.parametrize(
    ("arguments", "environ", "said", "code"),
    [
        (["token", "ann"], {}, "no secret to sign with", 1),
        (["token", "ann\u200b"], {}, "no invisible or control characters", 1),
        (["token", "ann"], {"PARLEY_SECRET": "short"}, "at least 32 characters", 2),
        (["token", "ann"], {"PARLEY_SECRET": SECRET, **ISSUER}, "set PARLEY_HS256=on", 1),
        (["edge"], {"PARLEY_BROKER": "kafka://me:hunter2@h:1"}, "without a user", 2),
        (["token", "ann"], {"PARLEY_SECRET_FILE": "/nowhere"}, "No such file", 2),
        (["doctor"], {"PARLEY_PORT": "eighty"}, "PARLEY_PORT is 'eighty'; it takes a number", 2),
        (["up"], {"PARLEY_REDIS": "redis://127.0.0.1:1", "PARLEY_BROKER": "kafka://127.0.0.1:1"},
         "no Valkey or Redis answers at PARLEY_REDIS", 1),
    ],
)  # fmt: skip
def test_an_error_is_one_line_and_no_traceback(
    arguments: list[str], environ: dict[str, str], said: str, code: int, tmp_path: Path
) -> None:
    failed = parley(*arguments, data=tmp_path, **environ)
    assert failed.returncode == code
    assert said in failed.stderr
    assert failed.stderr.startswith("parley: ")
    assert len(failed.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["up", "worker", "edge", "doctor", "mirror", "verify"])
def test_each_command_refuses_what_is_no_setting_and_no_value(command: str, tmp_path: Path) -> None:
    wrong = {
        "PARLEY_REDSI": "x",
        "PARLEY_PING": "15s",
        "PARLEY_PRESENCE": "room",
        "PARLEY_LIMIT_SEND": "60",
        "PARLEY_JWKS": "keys.json",
        "PARLEY_ISSUER": "https://id.example",
    }
    refused = parley(command, data=tmp_path, **wrong)
    assert refused.returncode == 2
    assert refused.stderr.splitlines() == [
        "parley: PARLEY_REDSI is no setting; did you mean PARLEY_REDIS?",
        "parley: PARLEY_PING is '15s'; it takes a number of seconds above 0 (did you mean 15?)",
        "parley: PARLEY_PRESENCE is 'room'; it takes everyone or nobody or rooms"
        " (did you mean rooms?)",
        "parley: PARLEY_AUDIENCE is ''; it takes what your issuer's tokens have there, since"
        " PARLEY_JWKS is set",
        "parley: PARLEY_LIMIT_SEND is '60'; it takes requests/seconds, such as 60/30, or off",
    ]


def test_doctor_names_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    told = parley(
        "doctor",
        data=tmp_path,
        PARLEY_BROKER=f"kafka://127.0.0.1:{free_port()}",
        PARLEY_REDIS=f"redis://127.0.0.1:{free_port()}",
        PARLEY_HISTORY=f"postgresql+psycopg://x@127.0.0.1:{free_port()}/x",
    )
    assert told.returncode == 1
    rows = {line[:12].strip(): line[12:] for line in told.stdout.splitlines()}
    for part, variable in {"Kafka": "BROKER", "Valkey": "REDIS", "history": "HISTORY"}.items():
        assert rows[part].startswith(" missing")
        assert f"correct PARLEY_{variable}" in rows[part]


def test_doctor_is_content_with_what_answers(settings: Settings) -> None:
    told = parley("doctor", data=settings.data, **on(settings))
    assert told.returncode == 0, told.stdout
    assert "8 partitions each" in told.stdout
    assert "Valkey       ok       valkey 9" in told.stdout


def test_doctor_finds_topics_with_other_partitions(settings: Settings) -> None:
    told = parley("doctor", data=settings.data, **{**on(settings), "PARLEY_PARTITIONS": "4"})
    assert told.returncode == 1
    assert "set it to 8" in told.stdout


@pytest.mark.parametrize("command", [("lag",), ("subscriptions", "list"), ("dead", "list")])
def test_a_kafka_that_is_away_is_one_line_and_no_traceback(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    ended = parley(*command, data=tmp_path, PARLEY_BROKER=f"kafka://127.0.0.1:{free_port()}")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "127.0.0.1" in ended.stderr
