from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from app.embedded import jars
from app.embedded.java import Java, find_java
from app.errors import ParleyError


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(jars, "cache_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def java() -> Java:
    return find_java()


def program(folder: Path, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "mvn").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "mvn").chmod(0o755)


async def test_a_missing_maven_is_said_with_what_to_do(
    empty_cache: Path, java: Java, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(empty_cache))
    with pytest.raises(ParleyError, match=r"apt-get install\s+maven.*PARLEY_BROKER"):
        await jars.fetch_jars(java)


async def test_a_fetch_that_fails_half_way_is_not_taken_for_complete(
    empty_cache: Path, java: Java, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = 'for a in "$@"; do case $a in -DoutputDirectory=*) d=${a#*=};; esac; done'
    program(empty_cache / "bin", f"{out}; mkdir -p $d; touch $d/half.jar; echo no network; exit 1")
    monkeypatch.setenv("PATH", f"{empty_cache / 'bin'}:/usr/bin:/bin")
    with pytest.raises(ParleyError, match="no network"):
        await jars.fetch_jars(java)
    assert not jars.have_jars()


async def test_two_at_once_fetch_once(
    empty_cache: Path, java: Java, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = 'for a in "$@"; do case $a in -DoutputDirectory=*) d=${a#*=};; esac; done'
    count = empty_cache / "count"
    program(empty_cache / "bin", f"{out}; echo x >> {count}; mkdir -p $d; touch $d/a.jar")
    monkeypatch.setenv("PATH", f"{empty_cache / 'bin'}:/usr/bin:/bin")
    first, second = await asyncio.gather(jars.fetch_jars(java), jars.fetch_jars(java))
    assert first == second
    assert jars.classpath(first).endswith("a.jar")
    assert count.read_text() == "x\n"
