"""The data folder of `parley up`: its lock, its secret, and how other commands find it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from app.errors import ParleyError
from app.push.web_push import new_private_key
from app.settings import Settings, fill_in

_MARK = "made-by-parley"
_LOCK = "up.lock"
_SECRET = "secret"
_PUSH_KEY = "push-key"
_RUNNING = "running.json"


@contextmanager
def held(data: Path, fresh: bool = False, *, keep_secret: bool = False) -> Iterator[None]:
    """Hold the lock of the folder; with `fresh`, empty the folder first, perhaps but its keys.

    Raises `ParleyError` where another `parley up` holds it, where it can't be written, or where
    `fresh` would empty a folder that Parley did not make.
    """
    try:
        _make(data)
        lock = (data / _LOCK).open("w")
    except OSError as error:
        raise ParleyError(f"can't write to the data folder {data}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ParleyError(
                f"`parley up` is running on {data.absolute()} already: stop that one, or give"
                " this one a folder of its own (PARLEY_DATA or --data)"
            ) from None
        if fresh:
            _empty(data, {_SECRET, _PUSH_KEY} if keep_secret else set())
        try:
            yield
        finally:
            (data / _RUNNING).unlink(missing_ok=True)


def kept_secret(data: Path) -> str:
    """The secret in the folder, made at the first call; only its owner can read the file."""
    path = data / _SECRET
    if not path.exists():
        _write_private(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def kept_push_key(data: Path) -> str:
    """The private key of Web Push in the folder, made at the first call, as `kept_secret`.

    Browsers subscribe to it: with another one all of them would have to subscribe anew.
    """
    path = data / _PUSH_KEY
    if not path.exists():
        _write_private(path, new_private_key())
    return path.read_text().strip()


def announce(settings: Settings) -> None:
    """Publish the settings of this `parley up` to other commands on the same folder."""
    _write_private(settings.data / _RUNNING, json.dumps(settings.environ(), indent=1))


def join(data: Path, but: frozenset[str] = frozenset()) -> None:
    """Set the variables that the environment lacks from the `parley up` on the folder.

    So `parley token ann` or a second `parley worker` on the same machine needs no settings. The
    fields in `but` are not set.
    """
    found = announced(data)
    fill_in({name: value for name, value in found.items() if _field(name) not in but})


def is_held(data: Path) -> bool:
    """Whether a `parley up` holds the lock of the folder."""
    try:
        with (data / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def announced(data: Path) -> dict[str, str]:
    """The variables of the `parley up` that runs on the folder; else its secret, if it has one."""
    found: dict[str, str] = {}
    if (data / _SECRET).is_file():
        found["PARLEY_SECRET"] = kept_secret(data)
    if is_held(data) and (data / _RUNNING).is_file():
        running: Mapping[str, str] = json.loads((data / _RUNNING).read_text())
        found.update(running)
    return found


def _field(variable: str) -> str:
    return variable.removeprefix("PARLEY_").lower()


def _make(data: Path) -> None:
    new = not data.exists() or not any(data.iterdir())
    data.mkdir(parents=True, exist_ok=True)
    if new:
        (data / _MARK).write_text("`parley up --fresh` may delete everything in this folder.\n")
    if (data / _MARK).exists():
        # Earlier versions left it, and the files in it, open to be read by everybody.
        data.chmod(0o700)


def _empty(data: Path, but: set[str]) -> None:
    if not (data / _MARK).exists():
        raise ParleyError(f"--fresh would empty {data.absolute()}, which Parley did not make")
    for path in data.iterdir():
        if path.name in {_LOCK, _MARK, *but}:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _write_private(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
