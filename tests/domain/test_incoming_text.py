"""What an incoming webhook says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.incoming_text import text_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["text", "blocks", "attachments", "elements", "fallback", "type"]),
            inner,
        )
    ),
    max_leaves=20,
)


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"text": "hello"}, "hello"),
        ({"text": "a &lt;b&gt; &amp; c"}, "a <b> & c"),
        ({"text": "see <https://e.com/a|the page> now"}, "see the page (https://e.com/a) now"),
        ({"text": "<https://example.com>"}, "https://example.com"),
        ({"text": "<!here> <@U12|ben>"}, "@here @ben"),
        ({"text": "short", "blocks": [section("long")]}, "long"),
        (
            {
                "blocks": [
                    {"type": "header", "text": {"type": "plain_text", "text": "Deployed"}},
                    {"type": "divider"},
                    {"type": "section", "fields": [{"text": "to"}, {"text": "production"}]},
                    {"type": "context", "elements": [{"type": "mrkdwn", "text": "by ann"}]},
                ]
            },
            "Deployed\nto\nproduction\nby ann",
        ),
        (
            {
                "blocks": [
                    {
                        "type": "rich_text",
                        "elements": [
                            {
                                "type": "rich_text_section",
                                "elements": [
                                    {"type": "text", "text": "one "},
                                    {"type": "text", "text": "line"},
                                ],
                            }
                        ],
                    }
                ]
            },
            "one line",
        ),
        ({"text": "build", "attachments": [{"fallback": "failed"}]}, "build\nfailed"),
        (
            {"attachments": [{"title": "T", "title_link": "https://e.com", "text": "x"}]},
            "T\nhttps://e.com\nx",
        ),
        ({}, ""),
        ({"text": 7, "blocks": "none", "attachments": {}}, ""),
    ],
)  # fmt: skip
def test_the_text_of_a_payload(payload: dict[str, Any], said: str) -> None:
    assert text_of(payload, 4000) == said


@given(JSON, st.integers(1, 50))
def test_any_payload_has_a_text_within_the_limit(payload: Any, most: int) -> None:
    if isinstance(payload, dict):
        assert len(text_of(payload, most)) <= most


def test_blocks_within_blocks_end_somewhere() -> None:
    nested: Any = "deep"
    for _ in range(200):
        nested = {"elements": [nested]}
    assert text_of({"blocks": [nested]}, 100) == ""
