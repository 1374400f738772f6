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
MIRROR = Path(__file__).with_name("mirror-pom.xml")
_CHECKOUT = Path(__file__).parents[2]
_SECONDS = 900


def cache_folder() -> Path:
    """The folder for downloads: `.cache` of the checkout, else the user's cache.

    Not the data folder: tests, every `parley up` and `--fresh` share the downloads.
    """
    if (_CHECKOUT / "pyproject.toml").exists():
        return _CHECKOUT / ".cache"
    return Path.home() / ".cache" / "parley"


def jars_folder(pom: Path = POM) -> Path:
    """The folder of a pom's jars, named by a hash of the pom; it exists only when complete."""
    digest = hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    return cache_folder() / f"kafka-{digest}"


def have_jars(pom: Path = POM) -> bool:
    """Whether the jars are there."""
    return jars_folder(pom).is_dir()


async def fetch_jars(java: Java, pom: Path = POM) -> Path:
    """The folder of jars, which are downloaded (about 50 MB, a minute) if they are absent.

    Concurrent processes download them once. Raises `ParleyError` if Maven is missing or fails.
    """
    folder = jars_folder(pom)
    if have_jars(pom):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "fetch.lock").open("w") as lock:
        while not _locked(lock):  # noqa: ASYNC110 - a file lock has no notification
            await asyncio.sleep(0.1)
        if not have_jars(pom):
            await _fetch(folder, java, pom)
    return folder


def classpath(folder: Path) -> str:
    """The jars in a fixed order: with another one the JVM refuses a class-data archive."""
    return ":".join(str(jar) for jar in sorted(folder.glob("*.jar")))


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _fetch(folder: Path, java: Java, pom: Path) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        instead = ", or set PARLEY_BROKER to a broker of yours" if pom == POM else ""
        raise ParleyError(
            "Maven is missing, which fetches Apache Kafka: install it (Debian: apt-get install"
            f" maven; macOS: brew install maven){instead}"
        )
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    command = [mvn, "-B", "-q", "-f", str(pom), goal]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={part}"]
    # With the Java of the broker, so that a machine with only the one from PyPI will do.
    maven = Child(command, folder.with_name("maven.log"), {"JAVA_HOME": str(java.home)})
    maven.log.unlink(missing_ok=True)
    if await maven.run(within=_SECONDS) != 0:
        raise ParleyError(f"Maven could not fetch Apache Kafka:\n{maven.tail()}")
    os.sync()  # a power cut must not leave empty jars under the final name
    part.rename(folder)
