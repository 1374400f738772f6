"""The head of a stream or poll: where a client says that it was, and whether it comes again."""

from __future__ import annotations

import pytest

from web.http.problem import Problem
from web.server.request_head import (
    HTTP_REQUEST,
    STREAM_OR_POLL,
    UNKNOWN_LENGTH,
    RequestHead,
    body_length,
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


def framing(*lines: str) -> bytes:
    return "\r\n".join(["POST / HTTP/1.1", "Host: e", *lines, "", ""]).encode("latin-1")


@pytest.mark.parametrize("digits", [19, 4_300, 4_301, 8_000])
def test_a_length_of_too_many_digits_is_refused(digits: int) -> None:
    """Python raises for more than 4,300 of them."""
    with pytest.raises(Problem) as raised:
        body_length(framing(f"Content-Length: {'9' * digits}"))
    assert (raised.value.status, raised.value.code) == (400, "bad_request")
    assert body_length(framing(f"Content-Length: {'9' * 18}")) == 10**18 - 1


@pytest.mark.parametrize("value", ["\xff\xfe", "200-ok", "", "100-continue, x", "\x00"])
def test_any_other_expectation_than_to_continue_fails(value: str) -> None:
    with pytest.raises(Problem) as raised:
        body_length(framing("Content-Length: 2", f"expect: {value}"))
    assert raised.value.status == 417
    assert body_length(framing("Content-Length: 2", "Expect: 100-Continue ")) == 2
    assert body_length(framing("Expect: 100-continue")) == 0


def test_an_expectation_does_not_hide_how_long_a_body_is() -> None:
    for lines in (
        ["Expect: 100-continue", "Content-Length: 2", "Content-Length: 3"],
        ["Transfer-Encoding: chunked", "Expect: 100-continue"],
    ):
        assert body_length(framing(*lines)) == UNKNOWN_LENGTH


def test_each_line_of_a_proxy_is_kept_and_a_clients_own_is_no_error() -> None:
    block = head(
        "/v1/stream", "X-Forwarded-For: 1.1.1.1", "x-forwarded-for: 2.2.2.2, 3.3.3.3"
    ).block
    assert block.proxied == {"X-Forwarded-For": ["1.1.1.1", "2.2.2.2, 3.3.3.3"]}
