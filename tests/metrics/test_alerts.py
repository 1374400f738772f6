"""The alert rules, by the real promtool."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.metrics.files import PROMETHEUS, alerts, named, promtool, series

_CASES = Path(__file__).with_name("alert_cases.yml")


def test_each_alert_fires_in_its_case_and_none_while_all_is_well() -> None:
    promtool("test", "rules", _CASES)


def test_each_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    told = [
        one
        for case in yaml.safe_load(_CASES.read_text())["tests"]
        for one in case["alert_rule_test"]
    ]
    names = {rule["alert"] for rule in alerts()}
    assert {one["alertname"] for one in told if one.get("exp_alerts")} == names
    assert {one["alertname"] for one in told if not one.get("exp_alerts")} == names


@pytest.mark.parametrize("name", ["prometheus.yml", "one-machine.yml"])
def test_prometheus_takes_the_configuration(name: str) -> None:
    assert "alerts.yml" in promtool("check", "config", PROMETHEUS / name)


def test_alerts_name_metrics_that_there_are() -> None:
    assert {rule["alert"]: named(rule["expr"]) - series() for rule in alerts()} == {
        rule["alert"]: set() for rule in alerts()
    }


def test_each_alert_says_how_bad_it_is_and_what_to_do() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"].keys() == {"summary", "action"}
