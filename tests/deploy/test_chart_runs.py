"""What the chart runs is what Parley has: its commands, settings, ports, probes and metrics."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from click import Context

from app.cli import parley
from app.embedded.child import Child
from app.embedded.ports import free_port
from app.local.supervisor import ROOT
from app.settings import FROM_FILES, Settings
from app.worker.main import _STOP_SECONDS
from tests.conftest import SECRET
from tests.deploy.helm import CHART, PRODUCTION, Helm, container, one
from tests.metrics.files import named, promtool, series
from tests.support.chat import Chat, until

WORKLOADS = ("StatefulSet", "Deployment")

#: Fields that the chart sets by values of their own, or that are given by reference alone.
_BY_CHART = {
    *("broker", "redis", "history", "data", "secret", "secret_other", "push_key", "worker", "only"),
    *("partitions", "replication", "min_insync", "host", "port"),
    *("prometheus_port", "prometheus_host", "health_port"),
}


def variables(resources: list[dict[str, Any]], kind: str, secrets: Path) -> dict[str, str]:
    """The environment of a workload's container, its files of secrets in a folder of the test's."""
    found = dict(one(resources, "ConfigMap")["data"])
    for each in container(one(resources, kind)).get("env", ()):
        found[each["name"]] = each.get("value", "chat-parley-worker-0")
    return {
        name: value.replace("/etc/parley/secrets", str(secrets)) for name, value in found.items()
    }


@pytest.mark.parametrize("files", [(), (PRODUCTION,)], ids=["default", "production"])
def test_the_settings_are_ones_that_parley_reads(
    helm: Helm, tmp_path: Path, files: tuple[Path, ...]
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "history").write_text("postgresql+psycopg://parley:secret@postgres/parley")
    (tmp_path / "redis").write_text("redis://:secret@valkey:6379/0")
    resources = helm.render(*files)
    for kind in WORKLOADS:
        environ = variables(resources, kind, tmp_path)
        settings = Settings.read(environ)
        assert settings.secret == SECRET
        assert settings.partitions == (24 if files else 8)
        known = {f"PARLEY_{field.name.upper()}" for field in fields(Settings)}
        known |= {f"PARLEY_{name.upper()}_FILE" for name in FROM_FILES}
        assert environ.keys() <= known
    assert Settings.read(variables(resources, "StatefulSet", tmp_path)).worker_name.endswith("-0")


def test_settings_arrive_as_they_are_given(helm: Helm, tmp_path: Path) -> None:
    given = {"BODY_LIMIT": 2_000_000, "WAIT": 1.5, "PUSH_TEXT": False, "LIMIT_SEND": "60/30"}
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "history").write_text("postgresql+psycopg://parley:secret@postgres/parley")
    resources = helm.render(settings={f"PARLEY_{name}": value for name, value in given.items()})
    settings = Settings.read(variables(resources, "Deployment", tmp_path))
    assert {name: getattr(settings, name.lower()) for name in given} == given


def test_secrets_are_mounted_where_their_settings_look(helm: Helm) -> None:
    resources = helm.render(PRODUCTION)
    named = {
        value
        for name, value in one(resources, "ConfigMap")["data"].items()
        if name.endswith("_FILE")
    }
    for kind in WORKLOADS:
        workload = one(resources, kind)
        (mount,) = (m for m in container(workload)["volumeMounts"] if m["name"] == "secrets")
        volumes = workload["spec"]["template"]["spec"]["volumes"]
        (volume,) = (v for v in volumes if v["name"] == "secrets")
        paths = [s["secret"]["items"][0]["path"] for s in volume["projected"]["sources"]]
        assert {f"{mount['mountPath']}/{path}" for path in paths} == named


def test_the_values_take_every_setting_that_the_chart_does_not_set_itself() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())["properties"]
    every = {field.name for field in fields(Settings)}
    taken = schema["settings"]["propertyNames"]["enum"]
    assert taken == sorted(f"PARLEY_{name.upper()}" for name in every - _BY_CHART)
    assert set(schema["secrets"]["properties"]) == set(FROM_FILES) - {"broker"}


@pytest.mark.parametrize("kind", WORKLOADS)
def test_the_command_is_one_of_parley(helm: Helm, kind: str) -> None:
    name, *options = container(one(helm.render(), kind))["args"]
    parley.commands[name].make_context(name, options)  # raises where it takes no such option
    # The image's entry point is the command itself.
    assert 'ENTRYPOINT ["parley"]' in (CHART.parents[2] / "Dockerfile").read_text()


def test_a_backup_is_the_command_of_parley_into_the_volume(helm: Helm) -> None:
    job = one(helm.render(PRODUCTION), "CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (inner,) = job["containers"]
    name, folder = inner["args"]
    command = parley.get_command(Context(parley), name)
    assert command is not None
    command.make_context(name, [folder])
    (volume,) = (volume for volume in job["volumes"] if volume["name"] == "backup")
    assert volume["persistentVolumeClaim"] == {"claimName": "chat-backup"}
    assert {"name": "backup", "mountPath": str(Path(folder).parent)} in inner["volumeMounts"]


def test_the_ports_are_those_that_the_settings_open(helm: Helm, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "history").write_text("postgresql+psycopg://parley:secret@postgres/parley")
    resources = helm.render()
    for kind, opened in (("StatefulSet", "health_port"), ("Deployment", "port")):
        inner = container(one(resources, kind))
        ports = {port["name"]: port["containerPort"] for port in inner["ports"]}
        settings = Settings.read(variables(resources, kind, tmp_path))
        probed = inner["readinessProbe"]["httpGet"]["port"]
        assert ports[probed] == getattr(settings, opened)
        assert ports["metrics"] == settings.prometheus_port
        assert settings.host == settings.prometheus_host == "0.0.0.0"
        services = [one for one in resources if one["kind"] == "Service"]
        for port in (port for service in services for port in service["spec"]["ports"]):
            if port["name"] in ports and "targetPort" not in port:
                assert port["port"] == ports[port["name"]]


async def test_what_the_chart_runs_answers_its_probes_and_ends_in_order(
    helm: Helm, chat: Chat, tmp_path: Path
) -> None:
    """The containers' commands and variables, but for addresses and folders of this machine."""
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "history").write_text(chat.settings.history_url)
    resources = helm.render()
    here = {"PARLEY_BROKER": chat.settings.broker, "PARLEY_REDIS": chat.settings.redis}
    async with aiohttp.ClientSession() as http:
        for kind, own in (("StatefulSet", "PARLEY_HEALTH_PORT"), ("Deployment", "PARLEY_PORT")):
            inner = container(one(resources, kind))
            environ = variables(resources, kind, tmp_path) | here
            environ |= {"PARLEY_DATA": str(tmp_path / kind), "PARLEY_PROMETHEUS_PORT": "0"}
            environ |= {own: str(port := free_port())}
            command = [sys.executable, "-P", "-m", "app.cli", *inner["args"]]
            # The port of the arguments is that of the container.
            command = [str(port) if part == "8080" else part for part in command]
            child = Child(command, tmp_path / f"{kind}.log", {**environ, "PYTHONPATH": str(ROOT)})
            child.start()
            try:
                for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                    url = f"http://127.0.0.1:{port}{inner[probe]['httpGet']['path']}"
                    await until(lambda url=url: _ok(http, url), child.tail)  # type: ignore[misc]
                child.send(signal.SIGTERM)
                assert await child.ended(30), child.tail()
                assert child.exit_code == 0, child.tail()
            finally:
                await child.stop(30)


async def _ok(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def test_pods_get_the_time_that_a_stop_takes(helm: Helm) -> None:
    resources = helm.render()
    worker = one(resources, "StatefulSet")["spec"]["template"]["spec"]
    assert worker["terminationGracePeriodSeconds"] >= _STOP_SECONDS + 10
    edge = one(resources, "Deployment")["spec"]["template"]["spec"]
    waits = container(one(resources, "Deployment"))["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert edge["terminationGracePeriodSeconds"] >= waits + 10 + 5


def test_a_stalled_worker_ends_by_itself_before_kubernetes_kills_it(helm: Helm) -> None:
    probe = container(one(helm.render(), "StatefulSet"))["livenessProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] > Settings().stall


def test_what_scales_goes_by_metrics_that_there_are(helm: Helm, tmp_path: Path) -> None:
    resources = helm.render(PRODUCTION)
    (metric,) = one(resources, "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] in series()
    (trigger,) = one(resources, "ScaledObject")["spec"]["triggers"]
    query = trigger["metadata"]["query"]
    assert named(query)
    assert named(query) <= series()
    rules = tmp_path / "rules.yml"
    group = {"name": "scaling", "rules": [{"record": "lag", "expr": query}]}
    rules.write_text(yaml.safe_dump({"groups": [group]}))
    promtool("check", "rules", rules)


def test_prometheus_has_the_jobs_that_the_alerts_go_by(helm: Helm) -> None:
    resources = helm.render(PRODUCTION)
    for part in ("worker", "edge"):
        monitor = one(resources, "ServiceMonitor", part)
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": f"parley-{part}"}]
        labels = monitor["spec"]["selector"]["matchLabels"].items()
        services = [one for one in resources if one["kind"] == "Service"]
        (service,) = (one for one in services if labels <= one["metadata"]["labels"].items())
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    alerts = yaml.safe_load((CHART / "files" / "alerts.yml").read_text())
    assert one(resources, "PrometheusRule")["spec"] == alerts


def test_services_and_policies_select_the_pods(helm: Helm) -> None:
    resources = helm.render(PRODUCTION)
    pods = [one(resources, kind)["spec"]["template"]["metadata"]["labels"] for kind in WORKLOADS]

    def selects(selector: dict[str, str]) -> int:
        return sum(selector.items() <= labels.items() for labels in pods)

    for found in resources:
        if found["kind"] == "Service":
            assert selects(found["spec"]["selector"]) == 1
        if found["kind"] == "PodDisruptionBudget":
            assert selects(found["spec"]["selector"]["matchLabels"]) == 1
        if found["kind"] == "NetworkPolicy":
            assert selects(found["spec"]["podSelector"]["matchLabels"]) == 1


def test_the_chart_has_the_version_of_parley() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    pyproject = (CHART.parents[2] / "pyproject.toml").read_text()
    assert f'\nversion = "{chart["appVersion"]}"\n' in pyproject
