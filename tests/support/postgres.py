"""A PostgreSQL server of the test run's own, from the machine's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import psycopg

from app.embedded.child import Child
from app.embedded.ports import free_port

_DEBIAN = Path("/usr/lib/postgresql")


def binaries() -> Path | None:
    """The folder of the newest PostgreSQL's programs, or None."""
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


class Postgres:
    """A server on 127.0.0.1 with an empty database `parley`; never as root, which it refuses."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._user = "postgres" if os.getuid() == 0 else None
        # Not pytest's folder: that one is closed to every user but one.
        self.folder = Path(tempfile.mkdtemp(prefix="parley-postgres-"))
        self.port = free_port()
        if self._user:
            shutil.chown(self.folder, self._user, self._user)
        data = self.folder / "data"
        command: list[str | Path] = [programs / "postgres", "-D", data, "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        command += ["-c", f"unix_socket_directories={self.folder}"]
        self.child = Child(command, self.folder / "postgres.log", user=self._user)

    @property
    def url(self) -> str:
        """What `PARLEY_HISTORY` would be."""
        return f"postgresql+psycopg://parley@127.0.0.1:{self.port}/parley"

    def start(self) -> None:
        """Make the cluster where there is none yet, start it, make the database."""
        data = self.folder / "data"
        if not data.exists():
            initdb: list[str | Path] = [self._programs / "initdb", "-D", data]
            initdb += ["-U", "parley", "-A", "trust"]
            subprocess.run(
                [*initdb, "-E", "UTF8", "--locale=C", "--no-sync"],
                check=True,
                stdout=subprocess.DEVNULL,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                cwd=self.folder,
            )
        self.child.start()
        self._wait()

    def stop(self) -> None:
        """End it and remove its folder."""
        self.child.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self) -> str:
        """A new, empty database; its URL."""
        name = f"t{uuid4().hex}"
        with psycopg.connect(self._where("parley"), autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        return self.url.removesuffix("parley") + name

    def _where(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=parley dbname={database} connect_timeout=5"

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                with psycopg.connect(self._where("postgres"), autocommit=True) as connection:
                    found = connection.execute("select 1 from pg_database where datname='parley'")
                    if found.fetchone() is None:
                        connection.execute("create database parley")
                return
            except psycopg.OperationalError:
                if not self.child.running or time.monotonic() > deadline:
                    raise AssertionError(f"PostgreSQL: {self.child.tail()}") from None
                time.sleep(0.05)
