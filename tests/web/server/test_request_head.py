"""The head of a stream or poll: where a client says that it was, and whether it comes again."""

from __future__ import annotations

import pytest

from web.server.request_head import RequestHead, read_head


def head(target: str, *lines: str) -> RequestHead:
    return read_head(
        "\r\n".join([f"GET {target} HTTP/1.1", "Host: e", *lines, "", ""]).encode(), None
    )


@pytest.mark.parametrize(
    ("line", "keeps"),
    [
        ("X: close", True),
        ("Connection: keep-alive", True),
        ("Connection: close", False),
        ("connection: Close", False),
        ("Connection: keep-alive, close", False),
    ],
)
def test_a_client_may_want_no_further_answer(line: str, keeps: bool) -> None:
    assert head("/v1/events", line).block.keep_alive == keeps


def test_an_old_client_gets_one_answer() -> None:
    assert not read_head(b"GET /v1/events HTTP/1.0\r\n\r\n", None).block.keep_alive


@pytest.mark.parametrize("name", ["cursor", "last_event_id", "lastEventId"])
def test_a_cursor_may_come_under_each_of_its_names(name: str) -> None:
    assert head(f"/v1/stream?{name}=AbC_-1").cursor() == "AbC_-1"
    assert head(f"/v1/stream?ticket=t&{name}=AbC_-1").cursor() == "AbC_-1"


@pytest.mark.parametrize("name", ["cursor", "last_event_id", "lastEventId"])
def test_the_header_goes_before_what_the_address_says(name: str) -> None:
    """A browser that reconnects sends the address that it began with, and where it is by now."""
    asked = head(f"/v1/stream?{name}=before", "Last-Event-ID: now")
    assert asked.cursor() == "now"
    assert head(f"/v1/stream?{name}=before", "Last-Event-ID: ").cursor() == "before"


def test_who_says_nothing_has_no_cursor() -> None:
    assert head("/v1/stream").cursor() == ""
    assert head("/v1/stream?cursor=").cursor() == ""
