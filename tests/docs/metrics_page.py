"""The tables of docs/metrics.md, made from the code: `make metrics-page`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

from app.metrics.catalogue import OF_EDGE, OF_VERIFY, OF_WORKER
from app.metrics.metric import Metric
from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "metrics.md"

#: The line above a table, and the table.
_TABLE = re.compile(r"(<!-- (\w+): written by `make metrics-page` -->\n)(?:\n(?:\|.*\n)+)?")


def page() -> str:
    """The page with its tables as they have to be."""
    tables = {
        "worker": _metrics(OF_WORKER),
        "edge": _metrics(OF_EDGE),
        "verify": _metrics(OF_VERIFY),
        "alerts": _alerts(
            yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
        ),
    }
    return _TABLE.sub(lambda found: f"{found[1]}\n{tables[found[2]]}", PAGE.read_text())


def _metrics(metrics: Iterable[Metric]) -> str:
    rows = [
        f"| `{one.name}` | {one.kind} | {' '.join(f'`{label}`' for label in one.labels)}"
        f" | {one.text} |\n"
        for one in metrics
    ]
    return "".join(["| metric | type | labels | |\n", "|---|---|---|---|\n", *rows])


def _alerts(rules: Any) -> str:
    (group,) = rules["groups"]
    rows = [
        f"| `{rule['alert']}` | {rule['labels']['severity']} | {rule.get('for', 'at once')}"
        f" | {_plain(rule['annotations']['summary'])} | {rule['annotations']['action']} |\n"
        for rule in group["rules"]
    ]
    head = ["| alert | | after | says | what to do |\n", "|---|---|---|---|---|\n"]
    return "".join([*head, *rows])


def _plain(summary: str) -> str:
    """The text with `…` for what Prometheus fills in."""
    return re.sub(r"\{\{.*?\}\}", "…", summary)


if __name__ == "__main__":
    PAGE.write_text(page())
