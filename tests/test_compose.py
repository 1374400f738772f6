from __future__ import annotations

import re
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
        variables["PARLEY_PROXIES"] = "172.18.0.0/16"
        Settings.read(variables)


def test_workers_can_be_many() -> None:
    worker = services()["worker"]
    assert not worker.keys() & {"container_name", "ports", "hostname"}
    assert "PARLEY_WORKER" not in worker["environment"]


def test_prometheus_and_grafana_come_with_a_profile_and_this_machine_alone_reaches_them() -> None:
    found = services()
    extra = {name for name, service in found.items() if "profiles" in service}
    assert extra == {"prometheus", "grafana", "nginx"}
    for name in extra - {"nginx"}:
        assert found[name]["profiles"] == ["metrics"]
        assert all(port.startswith("127.0.0.1:") for port in found[name]["ports"])


def test_the_files_that_containers_mount_are_in_the_tree() -> None:
    volumes = [one for service in services().values() for one in service.get("volumes", ())]
    mounted = [one.split(":")[0] for one in volumes if one.startswith("./")]
    assert len(mounted) == 4
    assert [one for one in mounted if not (_ROOT / one).exists()] == []


def test_prometheus_scrapes_the_port_on_which_workers_and_edges_have_their_metrics() -> None:
    config = yaml.safe_load((_ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    scraped = {
        (place["names"][0], place["port"])
        for job in config["scrape_configs"]
        for place in job["dns_sd_configs"]
    }
    ports = {
        (name, int(services()[name]["environment"]["PARLEY_PROMETHEUS_PORT"]))
        for name in ("worker", "edge")
    }
    assert scraped == ports


def test_nginx_has_a_value_for_each_variable_of_its_configuration() -> None:
    nginx = services()["nginx"]
    assert nginx["profiles"] == ["proxy"]
    template = (_ROOT / "deploy" / "nginx" / "nginx.conf.template").read_text()
    named = set(re.findall(r"\$\{(\w+)\}", template))
    assert named == nginx["environment"].keys() - {"NGINX_ENVSUBST_OUTPUT_DIR"}
    assert nginx["ports"][0].endswith(f":{nginx['environment']['NGINX_LISTEN']}")
    assert nginx["environment"]["PARLEY_EDGE"].endswith(
        f":{services()['edge']['environment']['PARLEY_PORT']}"
    )


def test_every_service_says_whether_it_is_well() -> None:
    assert [name for name, service in services().items() if "healthcheck" not in service] == []
