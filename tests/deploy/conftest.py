from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded.jars import fetch_jars
from app.embedded.java import find_java
from tests.conftest import missing
from tests.deploy.helm import Helm


@pytest.fixture(scope="session")
async def jars() -> Path:
    """Helm's library and Strimzi's classes, fetched once."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        missing("Helm's library for this machine")
    return await fetch_jars(find_java(), Path(__file__).with_name("helm-pom.xml"))


@pytest.fixture(scope="session")
def helm(jars: Path) -> Iterator[Helm]:
    """Helm, without a cluster."""
    running = Helm(jars)
    yield running
    running.stop()
