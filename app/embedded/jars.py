"""Apache Kafka's jars, fetched once by Maven."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
from pathlib import Path
from typing import IO

from app.embedded.child import Child
from app.embedded.java import Java
from app.errors import ParleyError

POM = Path(__file__).with_name("pom.xml")
_CHECKOUT = Path(__file__).parents[2]
_SECONDS = 900


def cache_folder() -> Path:
    """Where fetched things stay: `.cache` of the checkout, else the person's own cache.

    Not the data folder, so that the tests, `parley up` in any folder and `--fresh` share it.
    """
    if (_CHECKOUT / "pyproject.toml").exists():
        return _CHECKOUT / ".cache"
    return Path.home() / ".cache" / "parley"


def jars_folder() -> Path:
    """The folder of the pom's jars, named by what the pom says; it exists only when complete."""
    said = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    return cache_folder() / f"kafka-{said}"


def have_jars() -> bool:
    """Whether a start needs no fetching."""
    return jars_folder().is_dir()


async def fetch_jars(java: Java) -> Path:
    """The folder of jars; fetches it (about 50 MB, a minute) where it is not there yet.

    Two processes at once fetch it once. Raises `ParleyError` where Maven is missing or fails.
    """
    folder = jars_folder()
    if have_jars():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "fetch.lock").open("w") as lock:
        while not _locked(lock):  # noqa: ASYNC110 - a file lock wakes nobody
            await asyncio.sleep(0.1)
        if not have_jars():
            await _fetch(folder, java)
    return folder


def classpath(folder: Path) -> str:
    """The jars in one fixed order, without which a class-data archive is refused."""
    return ":".join(str(jar) for jar in sorted(folder.glob("*.jar")))


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _fetch(folder: Path, java: Java) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise ParleyError(
            "Maven is missing, which fetches Apache Kafka: install it (Debian: apt-get install"
            " maven; macOS: brew install maven), or set PARLEY_BROKER to a broker of yours"
        )
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    command = [mvn, "-B", "-q", "-f", str(POM), goal]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={part}"]
    # On the same Java as the broker: a machine whose only one is from PyPI will do.
    maven = Child(command, folder.with_name("maven.log"), {"JAVA_HOME": str(java.home)})
    maven.log.unlink(missing_ok=True)
    if await maven.run(within=_SECONDS) != 0:
        raise ParleyError(f"Maven could not fetch Apache Kafka:\n{maven.tail()}")
    os.sync()  # a power cut must not leave empty jars under the final name
    part.rename(folder)
