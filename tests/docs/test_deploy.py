"""docs/deploy.md: its sizes are what `make bench-sizes` measures and what its rules give."""

from __future__ import annotations

import re
from math import ceil

import kubernetes_validate
import yaml

from bench import sizes
from tests.docs.markdown import ROOT, blocks

_FILE = ROOT / "docs" / "deploy.md"
_PAGE = _FILE.read_text()
_ROW = re.compile(r"^\| ([\d,]+) \| ([\d,]+) \| (\d+) \| (\d+) \| (\d+) \| ([\d,]+) GB \|$", re.M)


def planned(what: str) -> float:
    """The figure to calculate with, of a row of the page."""
    (found,) = re.findall(rf"^\| {re.escape(what)} \| ([\d.,]+)[^|]* \|", _PAGE, re.MULTILINE)
    return float(found.replace(",", ""))


def test_the_page_calculates_with_the_goals_of_the_measurement() -> None:
    assert {
        what: planned(what)
        for what in re.findall(r"^\| ([^|]+) \| [\d.,]+[^|]* \| [^|]+ \|$", _PAGE, re.MULTILINE)
    } == {
        "messages a second of a worker's core": sizes.WORKER_RATE,
        "deliveries a second of an edge's core": sizes.DELIVERIES,
        "processor time of an edge for a send": sizes.SEND_MS,
        "memory of an edge for a stream": sizes.STREAM_KIB,
        "Kafka for a message, one copy": sizes.KAFKA_BYTES,
        "of them for good, in `chat.log`": sizes.LOG_BYTES,
        "Valkey for a message of a room's window": sizes.VALKEY_BYTES,
        "history store for a message": sizes.STORE_BYTES,
    }


def test_the_sizes_by_load_are_what_the_rules_of_the_page_give() -> None:
    rows = [[int(cell.replace(",", "")) for cell in row] for row in _ROW.findall(_PAGE)]
    assert len(rows) == 4
    for readers, rate, heard_by, workers, edges, gigabytes in rows:
        cores = rate * sizes.SEND_MS / 1000 + rate * heard_by / sizes.DELIVERIES
        assert workers == max(2, ceil(2 * rate / sizes.WORKER_RATE))
        assert edges == max(2, ceil(2 * cores), ceil(readers / 5000))
        assert gigabytes == round(rate * 86_400 * sizes.KAFKA_BYTES * 3 / 1e9)


def test_kubernetes_takes_the_pod_of_the_page() -> None:
    (pod,) = (found for found in map(yaml.safe_load, blocks(_FILE, "yaml")) if "kind" in found)
    kubernetes_validate.validate(pod, "1.30", strict=True)
