"""The dashboard's queries: promtool reads them, and they name what there is."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.metrics.files import DASHBOARD, named, panels, promtool, queries, series


def test_the_queries_are_ones_that_prometheus_reads(tmp_path: Path) -> None:
    every = [query for found in queries().values() for query in found]
    rules = [{"record": f"panel_{i}", "expr": query} for i, query in enumerate(every)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(every)} rules found" in promtool("check", "rules", file)


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    shown = {name for found in queries().values() for query in found for name in named(query)}
    assert shown <= series()
    assert {whole(name) for name in shown} == {whole(name) for name in series()}


def whole(name: str) -> str:
    """The metric that a series is of."""
    return name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")


def test_panels_have_a_title_and_a_number_of_their_own_and_lie_side_by_side() -> None:
    titles = [panel["title"] for panel in panels()]
    assert len(set(titles)) == len(titles)
    everything = json.loads(DASHBOARD.read_text())["panels"]
    numbers = [panel["id"] for panel in everything]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_the_data_source_can_be_chosen() -> None:
    for panel in panels():
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
