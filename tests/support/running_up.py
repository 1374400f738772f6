"""`parley up` as a process of its own, as a user starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.support.processes import alive, children, wait_until

#: A busy machine takes long to start a JVM.
_READY_SECONDS = 120


class RunningUp:
    """`parley up` on a data folder; `said` is what it printed so far."""

    def __init__(self, data: Path, *arguments: str, **environ: str) -> None:
        self.data = data
        self.environ = {
            **{name: v for name, v in os.environ.items() if not name.startswith("PARLEY_")},
            "PARLEY_DATA": str(data),
            **environ,
        }
        self._output = data.with_name(f"{data.name}.said")
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "up", *arguments],
                env=self.environ,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def url(self) -> str:
        found = re.search(r"Ready in .*: (http\S+)/", self.said)
        assert found, self.said
        return found.group(1)

    def wait_ready(self) -> RunningUp:
        def told() -> bool:
            return "Ctrl-C stops" in self.said or self.process.poll() is not None

        try:
            wait_until(told, _READY_SECONDS, "not ready")
            assert self.process.poll() is None
        except AssertionError as error:
            self.end(signal.SIGKILL)
            raise AssertionError(f"{error}: {self.said}") from None
        return self

    def wait_said(self, text: str, within: float = _READY_SECONDS) -> None:
        wait_until(lambda: text in self.said, within, f"never said {text!r}: {self.said}")

    def token(self, user: str) -> str:
        """The token in the link that was printed for the user."""
        link = re.search(rf"{user}:\s+(\S+)", self.said)
        assert link, self.said
        return parse_qs(urlsplit(link.group(1)).fragment)["token"][0]

    def child(self, command: str) -> int:
        """The id of the child process with this in its command."""
        (found,) = (p for p, line in children(self.process.pid).items() if command in line)
        return found

    def end(self, by: signal.Signals) -> int:
        """Send the signal; the exit code, once neither it nor any child of it is left."""
        every = {self.process.pid, *children(self.process.pid)}
        self.process.send_signal(by)
        code = self.process.wait(60)
        wait_until(lambda: not alive(every), 10, f"left behind: {alive(every)}")
        return code

    def parley(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another `parley` command on the same data folder."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
