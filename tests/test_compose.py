from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from app.embedded.jars import POM
from app.embedded.kafka import PROPERTIES
from app.settings import Settings

_ROOT = Path(__file__).parents[1]

#: Where things are, which differs between one machine and containers.
_PLACES = {
    "controller.quorum.voters",
    "listeners",
    "advertised.listeners",
    "log.dirs",
    "log.cleaner.dedupe.buffer.size",  # fits the small heap of the embedded broker
    "num.network.threads",
    "num.io.threads",
}


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())["services"]
    return found


def embedded() -> dict[str, str]:
    of_one = PROPERTIES.replace("{node}", "1").replace("{nodes}", "1")
    lines = (line for line in of_one.splitlines() if line)
    return dict(line.split("=", 1) for line in lines)


def test_the_containers_broker_has_the_settings_of_the_tested_one() -> None:
    ours = {
        f"KAFKA_{name.upper().replace('.', '_')}": value
        for name, value in embedded().items()
        if name not in _PLACES
    }
    theirs = services()["kafka"]["environment"]
    assert {name: theirs.get(name) for name in ours} == ours


def test_the_containers_broker_has_the_version_of_the_tested_one() -> None:
    version = services()["kafka"]["image"].removeprefix("apache/kafka:")
    assert f"<artifactId>kafka_2.13</artifactId>\n      <version>{version}</version>" in (
        POM.read_text()
    )


def test_the_containers_settings_are_ones_that_parley_reads() -> None:
    for name in ("worker", "edge"):
        variables = dict(services()[name]["environment"])
        for variable in variables:
            assert hasattr(Settings(), variable.removeprefix("PARLEY_").lower()), variable
        variables["PARLEY_SECRET"] = "s" * 32
        variables["PARLEY_PARTITIONS"] = "8"
        Settings.read(variables)


def test_workers_can_be_many() -> None:
    worker = services()["worker"]
    assert not worker.keys() & {"container_name", "ports", "hostname"}
    assert "PARLEY_WORKER" not in worker["environment"]


def test_every_service_says_whether_it_is_well() -> None:
    assert [name for name, service in services().items() if "healthcheck" not in service] == []
