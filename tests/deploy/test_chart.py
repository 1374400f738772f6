"""The chart: what Kubernetes and the operators take, and that contradictions are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.topics import TOPICS
from tests.deploy.helm import CHART, PRODUCTION, Helm, Refused, container, one
from tests.deploy.schemas import faults

EVERYTHING: dict[str, Any] = {
    "ingress": {"annotations": {"a": "b"}, "className": "public"},
    "service": {"annotations": {"a": "b"}, "type": "LoadBalancer"},
    "image": {"tag": "1", "pullSecrets": [{"name": "registry"}]},
    "nodeSelector": {"pool": "chat"},
    "tolerations": [{"key": "chat", "operator": "Exists"}],
    "podAnnotations": {"a": "b"},
    "networkPolicy": {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
    "metrics": {"serviceMonitor": {"labels": {"a": "b"}}, "alerts": {"labels": {"a": "b"}}},
    "strimzi": {"storageClass": "fast"},
    "secrets": {"push_key": {"name": "push", "key": "private"}},
    "worker": {
        "storageClass": "fast",
        "only": "pipeline",
        "extraVolumes": [{"name": "agents", "configMap": {"name": "agents"}}],
        "extraVolumeMounts": [{"name": "agents", "mountPath": "/agents"}],
    },
    "edge": {
        "extraVolumes": [{"name": "rules", "configMap": {"name": "rules"}}],
        "extraVolumeMounts": [{"name": "rules", "mountPath": "/rules"}],
    },
}


def test_helm_finds_no_fault_in_the_chart(helm: Helm) -> None:
    helm.lint()


def test_the_default_values_make_resources_that_kubernetes_takes(helm: Helm, jars: Path) -> None:
    assert faults(helm.render(), jars) == []


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["production", "every option"])
def test_kubernetes_and_the_operators_take_what_production_has(
    helm: Helm, jars: Path, values: dict[str, Any]
) -> None:
    resources = helm.render(PRODUCTION, **values)
    assert faults(resources, jars) == []
    kinds = {found["kind"] for found in resources}
    assert kinds >= {"ScaledObject", "ServiceMonitor", "PrometheusRule", "Kafka", "KafkaTopic"}


@pytest.mark.parametrize(
    ("kind", "place", "told"),
    [
        ("StatefulSet", ("spec", "template", "spec"), "planted"),
        ("ScaledObject", ("spec",), "planted"),
        ("ServiceMonitor", ("spec",), "planted"),
        ("Kafka", ("spec", "kafka"), "planted"),
    ],
)
def test_a_property_that_there_is_not_is_found(
    helm: Helm, jars: Path, kind: str, place: tuple[str, ...], told: str
) -> None:
    resource = next(one for one in helm.render(PRODUCTION) if one["kind"] == kind)
    inside = resource
    for name in place:
        inside = inside[name]
    inside["planted"] = 1
    assert told in "".join(faults([resource], jars))


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"kafka": {"brokers": []}}, "no Kafka: set kafka.brokers, or strimzi.enabled"),
    ({"strimzi": {"enabled": True}}, "set one of them"),
    ({"strimzi": {"topics": True}}, "strimzi.topics needs strimzi.enabled"),
    (
        {"kafka": {"brokers": []}, "strimzi": {"enabled": True, "nodes": 1}, "replication": 3},
        "replication is 3, but strimzi.nodes is 1",
    ),
    ({"minInsync": 2}, "minInsync is 2, but replication is 1: no send would ever be answered"),
    ({"minInsync": 3, "replication": 3}, "sends would stop with any one broker"),
    ({"valkey": {"url": ""}}, "no Valkey"),
    ({"secrets": {"redis": {"name": "a", "key": "b"}}}, "valkey.url and secrets.redis"),
    ({"worker": {"replicas": 9}}, "worker.replicas is 9, but there are 8 partitions"),
    (
        {"worker": {"keda": {"enabled": True, "prometheus": "http://p", "max": 9}}},
        "worker.keda.max is 9, but there are 8 partitions",
    ),
    (
        {"worker": {"keda": {"enabled": True, "prometheus": "http://p", "min": 5, "max": 4}}},
        "worker.keda.min is 5, above worker.keda.max, 4",
    ),
    ({"worker": {"keda": {"enabled": True}}}, "needs worker.keda.prometheus"),
    ({"edge": {"autoscaling": {"enabled": True, "min": 11}}}, "edge.autoscaling.min is 11"),
    (
        {"edge": {"autoscaling": {"enabled": True}}, "metrics": {"enabled": False}},
        "edge.autoscaling.enabled needs metrics.enabled",
    ),
    (
        {"metrics": {"enabled": False, "alerts": {"enabled": True}}},
        "metrics.serviceMonitor and metrics.alerts need metrics.enabled",
    ),
    (
        {"metrics": {"serviceMonitor": {"enabled": True}}},
        "metrics.serviceMonitor needs networkPolicy.prometheus",
    ),
    ({"edge": {"preStopSeconds": 20}}, "edge.terminationGracePeriodSeconds is 30"),
    ({"backup": {"enabled": True}}, "backup.enabled needs backup.claim"),
    ({"ingress": {"enabled": True}}, "ingress.enabled needs ingress.host"),
    ({"settings": {"PARLEY_JWKS": "https://login/keys"}}, "a key set needs"),
    ({"settings": {"PARLEY_REGION": "eu"}}, "PARLEY_REGION and settings.PARLEY_REGIONS need"),
    (
        {
            "settings": {"PARLEY_UPLOAD_HOOK": "https://files"},
            "secrets": {"upload_hook": {"name": "a", "key": "b"}},
        },
        "settings.PARLEY_UPLOAD_HOOK and secrets.upload_hook: set one of them",
    ),
]


@pytest.mark.parametrize(("values", "told"), CONTRADICTIONS, ids=[c[1] for c in CONTRADICTIONS])
def test_values_that_contradict_each_other_are_refused(
    helm: Helm, values: dict[str, Any], told: str
) -> None:
    with pytest.raises(Refused) as refused:
        helm.render(**values)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"worker": {"replica": 3}}, "replica"),
        ({"partitions": 25}, "partitions"),
        ({"worker": {"terminationGracePeriodSeconds": 10}}, "terminationGracePeriodSeconds"),
        ({"settings": {"PARLEY_TEXT_LIMT": 10}}, "PARLEY_TEXT_LIMT"),
        ({"settings": {"PARLEY_SECRET": "x" * 32}}, "PARLEY_SECRET"),
        ({"valkey": {"url": "redis://:password@valkey:6379/0"}}, "valkey/url"),
        ({"kafka": {"brokers": ["kafka://kafka:9092"]}}, "kafka/brokers"),
        ({"secrets": {"history": None}, "worker": {"storage": "5"}}, "storage"),
    ],
)
def test_a_value_that_can_not_be_is_named(helm: Helm, values: dict[str, Any], told: str) -> None:
    with pytest.raises(Refused) as refused:
        helm.render(**values)
    assert told in str(refused.value)


def test_replicas_are_left_to_what_scales(helm: Helm) -> None:
    production = helm.render(PRODUCTION)
    for kind in ("StatefulSet", "Deployment"):
        assert "replicas" in one(helm.render(), kind)["spec"]
        assert "replicas" not in one(production, kind)["spec"]


def test_there_may_be_no_process_while_a_backup_is_restored(helm: Helm) -> None:
    resources = helm.render(
        PRODUCTION,
        strimzi={"topics": False},
        worker={"replicas": 0, "keda": {"enabled": False}},
        edge={"replicas": 0, "autoscaling": {"enabled": False}},
    )
    for kind in ("StatefulSet", "Deployment"):
        assert one(resources, kind)["spec"]["replicas"] == 0
    assert [found for found in resources if found["kind"] == "KafkaTopic"] == []
    # The page's pod has these labels, by which Kafka lets it in.
    (listener,) = one(resources, "Kafka")["spec"]["kafka"]["listeners"]
    peers = [peer["podSelector"]["matchLabels"] for peer in listener["networkPolicyPeers"]]
    assert "backup" in {peer["app.kubernetes.io/component"] for peer in peers}


def test_changed_settings_restart_the_pods(helm: Helm) -> None:
    def sums(resources: list[dict[str, Any]]) -> list[str]:
        workloads = [one(resources, kind) for kind in ("StatefulSet", "Deployment")]
        pods = [workload["spec"]["template"]["metadata"] for workload in workloads]
        return [pod["annotations"]["checksum/settings"] for pod in pods]

    before, after = sums(helm.render()), sums(helm.render(settings={"PARLEY_TEXT_LIMIT": 10}))
    assert not set(before) & set(after)


def test_no_secret_is_in_a_resource(helm: Helm) -> None:
    resources = helm.render(PRODUCTION)
    assert [found for found in resources if found["kind"] == "Secret"] == []
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for at in values["secrets"].values():
        assert set(at) == {"name", "key"}


def test_pods_may_do_nothing_but_their_work(helm: Helm) -> None:
    for kind in ("StatefulSet", "Deployment"):
        workload = one(helm.render(), kind)
        pod, inner = workload["spec"]["template"]["spec"], container(workload)
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert inner["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_image_has_the_user_that_pods_run_as(helm: Helm) -> None:
    dockerfile = (CHART.parents[2] / "Dockerfile").read_text()
    pod = one(helm.render(), "StatefulSet")["spec"]["template"]["spec"]
    assert f"\nUSER {pod['securityContext']['runAsUser']}\n" in dockerfile


def test_the_topics_are_those_that_parley_creates(helm: Helm) -> None:
    assert json.loads((CHART / "files" / "topics.json").read_text()) == {
        topic.name: topic.config for topic in TOPICS
    }
    topics = [found for found in helm.render(PRODUCTION) if found["kind"] == "KafkaTopic"]
    assert {found["spec"]["topicName"] for found in topics} == {topic.name for topic in TOPICS}
    assert {found["spec"]["partitions"] for found in topics} == {24}


def test_uninstalling_leaves_the_log_and_its_kafka(helm: Helm) -> None:
    for found in helm.render(PRODUCTION):
        if found["apiVersion"].startswith("kafka.strimzi.io"):
            assert found["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
