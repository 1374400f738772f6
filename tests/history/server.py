"""A PostgreSQL server of the tests' own, out of the machine's binaries."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import psycopg

_FAST = ("-c", "fsync=off", "-c", "max_connections=50", "-c", "shared_buffers=16MB")


def binaries() -> Path | None:
    """The newest PostgreSQL's folder of programs; None where there is none."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
    )
    if found:
        return found[-1]
    inits = shutil.which("initdb")
    return Path(inits).resolve().parent if inits else None


class Server:
    """Start, stop, start again on the same port with the same data; a database for each test."""

    def __init__(self) -> None:
        self._bin = binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="parley-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        self._as: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
            self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "-D", "data", "-U", "parley", "-A", "trust", "-N", "-E", "UTF8")

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://parley@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        command = [*self._as, *(["--pdeathsig=INT"] if self._as else []), self._program("postgres")]
        options = ["-D", "data", "-p", str(self.port), "-k", str(self._folder), *_FAST]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *options], cwd=self._folder, stdout=log, stderr=log
            )
        self._wait()

    def stop(self) -> None:
        if self._process:
            # SIGINT: "fast", connections are ended rather than waited for.
            self._process.send_signal(2)
            self._process.wait(20)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def database(self) -> str:
        name = f"t{uuid4().hex}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def _program(self, name: str) -> str:
        assert self._bin
        return str(self._bin / name)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, self._program(program), *arguments]
        subprocess.run(command, cwd=self._folder, check=True, stdout=subprocess.DEVNULL)

    def _wait(self) -> None:
        until = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.05)
