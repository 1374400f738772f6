"""Helm, for tests: it renders the chart as it would for a cluster."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from zipfile import ZipFile

import yaml

from tests.docs.markdown import ROOT

CHART = ROOT / "deploy" / "helm" / "parley"
PRODUCTION = CHART / "values-production.yaml"

_LIBRARY = "helm-linux-amd64.so"


class Refused(Exception):
    """Helm does not render the chart with these values; the text says why."""


class Helm:
    """A process that renders charts; it takes a tenth of a second each."""

    def __init__(self, jars: Path) -> None:
        program = Path(__file__).with_name("helm_process.py")
        self._process = subprocess.Popen(
            [sys.executable, program, _library(jars)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it tells of the link to the alert rules, each time
            text=True,
        )

    def lint(self) -> None:
        """Raise `Refused` with what Helm finds wrong in the chart, warnings included."""
        self._ask({"lint": str(CHART)})

    def render(self, *files: Path, **values: Any) -> list[dict[str, Any]]:
        """The resources with these files of values and, over them, these values.

        Raises `Refused`.
        """
        with NamedTemporaryFile("w", suffix=".yaml") as last:
            yaml.safe_dump(values, last)
            last.flush()
            request = {"template": str(CHART), "values": [*map(str, files), last.name]}
            return [one for one in yaml.safe_load_all(self._ask(request)) if one]

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()

    def _ask(self, request: dict[str, Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, str] = json.loads(self._process.stdout.readline())
        if answer["err"]:
            raise Refused(answer["err"])
        return answer["out"]


def one(resources: list[dict[str, Any]], kind: str, name: str = "") -> dict[str, Any]:
    """The only resource of a kind whose name ends so."""
    (found,) = (
        one for one in resources if one["kind"] == kind and one["metadata"]["name"].endswith(name)
    )
    return found


def container(workload: dict[str, Any]) -> dict[str, Any]:
    """The only container of a workload."""
    (found,) = workload["spec"]["template"]["spec"]["containers"]
    return dict(found)


def _library(jars: Path) -> Path:
    """Helm's library, taken out of its jar once."""
    library = jars / _LIBRARY
    if not library.exists():
        (jar,) = jars.glob("linux-amd64-*.jar")
        part = jars / f"{_LIBRARY}.{os.getpid()}"
        with ZipFile(jar) as inside, inside.open(_LIBRARY) as source, part.open("wb") as target:
            shutil.copyfileobj(source, target)
        part.rename(library)
    return library
