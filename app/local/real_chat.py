"""A whole chat for the tests of an agent: `parley up` in a folder of its own."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from app.embedded.ports import free_port
from app.errors import ParleyError
from app.kafka.group_members import members_of
from app.local.data_folder import announced
from app.local.supervisor import ROOT
from app.runtime.dev_tokens import mint
from app.settings import Settings, inherited

#: Seconds in which a chat is there, and in which an answer comes; a busy machine takes long.
READY_SECONDS: Final = 180.0
ANSWER_SECONDS: Final = 30.0

_SECRET: Final = "a secret of tests, which is known"

#: The variables of the settings: a chat of a test has none of those around it.
_OF_SETTINGS: Final = frozenset(Settings().environ())


class RealChat:
    """A chat that runs: people speak in it, and what is said in a room can be looked at."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = f"http://127.0.0.1:{settings.port}"

    def say(self, user: str, text: str, room: str = "lobby") -> None:
        """Have a user of the room say something; raises `ParleyError` where it is refused."""
        self._call("POST", f"/v1/rooms/{room}/messages", user, {"text": text})

    def texts(self, room: str = "lobby", user: str = "ann") -> list[str]:
        """What has been said in a room, as `by: text`, the oldest first."""
        found = self._call("GET", f"/v1/rooms/{room}/messages?limit=100", user)
        return [f"{one['by']}: {one.get('text', '')}" for one in found["messages"]]

    def wait_for(self, text: str, room: str = "lobby", within: float = ANSWER_SECONDS) -> None:
        """Return when the room has this `by: text`; raises `ParleyError` where it does not come."""
        _wait(lambda: text in self.texts(room), within, lambda: f"{text!r} is not in {room}")

    def wait_for_agent(self, name: str, within: float = READY_SECONDS) -> None:
        """Return when the agent gets the events of rooms."""
        group = f"parley-agent-{name}"

        def assigned() -> bool:
            members = asyncio.run(members_of(self.settings, group, 10.0))
            return members is not None and bool(members.assigned)

        _wait(assigned, within, lambda: f"the agent {name} does not run: {self.log()}")

    def log(self) -> str:
        """The end of the worker's log."""
        file = self.settings.data / "logs" / "worker.log"
        return "\n".join(file.read_text().splitlines()[-20:]) if file.exists() else ""

    def _call(self, method: str, path: str, user: str, body: Any = None) -> Any:
        headers = {
            "Authorization": f"Bearer {mint(self.settings, user)}",
            "Content-Type": "application/json",
        }
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data, headers, method=method)
        try:
            with urlopen(request, timeout=ANSWER_SECONDS) as answer:
                return json.load(answer)
        except OSError as error:
            raise ParleyError(f"{method} {path} as {user}: {error}") from error


@contextmanager
def real_chat(agents: str | Path, **environ: str) -> Iterator[RealChat]:
    """Run a chat with the agents of a folder meanwhile; it takes half a minute to begin.

    `environ` are further variables, such as the settings of the agents. Raises `ParleyError` where
    the chat does not begin.
    """
    with tempfile.TemporaryDirectory(prefix="parley-test-") as folder:
        settings = Settings(
            data=Path(folder) / "data",
            secret=_SECRET,
            port=free_port(),
            agents=str(Path(agents).absolute()),
        )
        with _up(settings, Path(folder) / "said", environ):
            yield RealChat(Settings.read(announced(settings.data)))


@contextmanager
def _up(settings: Settings, output: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """Run `parley up` meanwhile, with a Kafka and a Valkey of its own."""
    others = {name: value for name, value in inherited({}).items() if name not in _OF_SETTINGS}
    own = {
        "PARLEY_DATA": str(settings.data),
        "PARLEY_SECRET": settings.secret,
        "PARLEY_PORT": str(settings.port),
        "PARLEY_AGENTS": settings.agents,
        "PYTHONPATH": str(ROOT),
    }
    with output.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.cli", "up"],
            env={**others, **own, **environ},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(
            lambda: "Ready in" in output.read_text() or process.poll() is not None,
            READY_SECONDS,
            lambda: f"the chat is not ready: {output.read_text()}",
        )
        if process.poll() is not None:
            raise ParleyError(f"the chat did not begin: {output.read_text()}")
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _wait(condition: Callable[[], bool], within: float, why: Callable[[], str]) -> None:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise ParleyError(f"{why()}, within {within:.0f} s")
        time.sleep(0.2)
