"""What Kubernetes and the operators say about the form of their resources."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PrometheusRule, ServiceMonitor
from jsonschema import Draft202012Validator

from app.embedded.jars import classpath
from app.embedded.java import find_java

#: The oldest Kubernetes that the chart is for, and the newest of which there is a schema.
VERSIONS = ("1.30", "1.37")

_STRIMZI = Path(__file__).with_name("StrimziResources.java")
_CUSTOM = {model.__name__: model for model in (ScaledObject, ServiceMonitor, PrometheusRule)}


def faults(resources: list[dict[str, Any]], jars: Path) -> list[str]:
    """What is wrong with the form of these resources, a line each."""
    strimzi = [one for one in resources if one["apiVersion"] == "kafka.strimzi.io/v1"]
    found = list(_strimzi_faults(strimzi, jars)) if strimzi else []
    for one in resources:
        if one in strimzi:
            continue
        if one["kind"] in _CUSTOM:
            told = (error.message for error in _schema(one["kind"]).iter_errors(one))
        else:
            told = _kubernetes_faults(one)
        found += [f"{one['kind']} {one['metadata']['name']}: {text}" for text in told]
    return found


def _kubernetes_faults(resource: dict[str, Any]) -> Iterator[str]:
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(resource, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{version}: {error.message}"


@cache
def _schema(kind: str) -> Draft202012Validator:
    """The schema of an operator's resource, in which no property is allowed that it lacks."""
    schema = _CUSTOM[kind].model_json_schema(by_alias=True)
    for one in (schema, *schema["$defs"].values()):
        if one.get("properties"):
            one["additionalProperties"] = False
    return Draft202012Validator(schema)


def _strimzi_faults(resources: list[dict[str, Any]], jars: Path) -> Iterator[str]:
    run = subprocess.run(
        [find_java().program, "-cp", classpath(jars), _STRIMZI],
        input=yaml.safe_dump_all(resources, explicit_start=True),
        capture_output=True,
        text=True,
        check=False,
    )
    yield from run.stdout.splitlines()
    if run.returncode:
        yield run.stderr
