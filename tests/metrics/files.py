"""The files of `deploy/`, and the metrics that their queries name."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from app.metrics.catalogue import OF_EDGE, OF_VERIFY, OF_WORKER
from tests.conftest import missing
from tests.docs.markdown import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = ROOT / "deploy" / "grafana" / "parley.json"


def promtool(*arguments: str | Path, given: str = "") -> str:
    """Run Debian's promtool; fails with what it says where it finds a fault."""
    command = ["promtool", *arguments]
    try:
        run = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        missing("promtool (Debian: apt-get install prometheus)")
        raise
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def promtool_reads(text: bytes) -> None:
    """Check a text of `/metrics`: its form, its names, its types."""
    promtool("check", "metrics", given=text.decode())


def alerts() -> list[dict[str, Any]]:
    """The alert rules."""
    (group,) = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def panels() -> list[dict[str, Any]]:
    """The panels of the dashboard, without the titles of its rows."""
    found = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def queries() -> dict[str, list[str]]:
    """The queries of each panel, by title; Grafana's own variable has a value."""
    return {
        panel["title"]: [t["expr"].replace("$__rate_interval", "1m") for t in panel["targets"]]
        for panel in panels()
    }


def series() -> set[str]:
    """The names by which a query may name a metric of Parley."""
    names = set()
    for metric in (*OF_WORKER, *OF_EDGE, *OF_VERIFY):
        histogram = metric.kind == "histogram"
        endings = ("_bucket", "_sum", "_count") if histogram else ("",)
        names |= {f"{metric.name}{ending}" for ending in endings}
    return names


def named(query: str) -> set[str]:
    """The metrics of Parley in a query."""
    return set(re.findall(r"\bparley_\w+", query))
