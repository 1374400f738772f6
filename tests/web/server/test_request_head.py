"""The head of a stream or poll: where a client says that it was, and whether it comes again."""

from __future__ import annotations

import pytest

from web.server.request_head import (
    HTTP_REQUEST,
    STREAM_OR_POLL,
    RequestHead,
    lacks_host,
    read_head,
)


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


@pytest.mark.parametrize("origin", ["http://edge:8080", "HTTPS://chat.example", "http://[::1]:80"])
@pytest.mark.parametrize("target", ["/v1/stream?ticket=t", "/v1/events?cursor=a%2Fb", "/v1/events"])
def test_a_target_may_be_absolute(origin: str, target: str) -> None:
    line = f"GET {origin}{target} HTTP/1.1\r\n".encode()
    assert STREAM_OR_POLL.match(line)
    assert HTTP_REQUEST.match(line)
    plain, absolute = head(target), head(origin + target)
    assert (absolute.path, absolute.query) == (plain.path, plain.query)
    again = read_head(line + absolute.block.raw, absolute.block)
    assert (again.path, again.query) == (plain.path, plain.query)


@pytest.mark.parametrize(
    "target",
    [
        "/v1/streams",
        "http://v1/stream",
        "http:///v1/stream",
        "ftp://edge/v1/stream",
        "http://edge/x/v1/stream",
        "http://edge?/v1/stream",
        "http://edge /v1/stream",
    ],
)
def test_other_targets_are_none_of_a_stream(target: str) -> None:
    assert not STREAM_OR_POLL.match(f"GET {target} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    ("lines", "lacks"),
    [
        ("GET / HTTP/1.1\r\nHost: a", False),
        ("GET / HTTP/1.1\r\nX: y\r\nhOST:", False),
        ("GET / HTTP/1.0\r\nX: y", False),
        ("GET / HTTP/1.1\r\nX: y", True),
        ("GET / HTTP/1.1\r\nX: Host: a\r\nX-Host: b", True),
        ("GET /Host: HTTP/1.1\r\nX: y", True),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: b", True),
        ("GET / HTTP/1.1\r\nHost : a", True),
    ],
)
def test_a_request_of_http_1_1_has_one_host(lines: str, lacks: bool) -> None:
    assert lacks_host(f"{lines}\r\n\r\n".encode()) is lacks
