from __future__ import annotations

from tests.docs.metrics_page import PAGE, page


def test_the_tables_are_what_the_code_and_the_alert_rules_say() -> None:
    assert page() == PAGE.read_text(), "run `make metrics-page`"
