from __future__ import annotations

import json
import socket

import pytest
from aiohttp import ClientResponse
from structlog.testing import capture_logs

from app.events import Refusal
from tests.web.conftest import Client
from web.http.problem import refused


async def problem(answer: ClientResponse, status: int, code: str) -> dict[str, object]:
    assert answer.content_type == "application/problem+json"
    body: dict[str, object] = json.loads(await answer.read())
    assert (answer.status, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"urn:parley:problem:{code}"
    assert body["title"]
    assert body["detail"]
    return body


async def test_an_unknown_path_has_a_code(client: Client) -> None:
    await problem(await client.get("/nowhere"), 404, "path_unknown")


async def test_a_wrong_method_is_told_the_right_ones(client: Client) -> None:
    answer = await client.delete("/notes")
    await problem(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


async def test_a_fault_of_ours_is_logged_and_tells_nothing(client: Client) -> None:
    with capture_logs() as logs:
        answer = await client.get("/broken/bug")
    body = await problem(answer, 500, "internal")
    assert "secret" not in json.dumps(body)
    (logged,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert logged["instance"] == body["instance"]
    assert isinstance(logged["exc_info"], KeyError)


async def test_a_part_that_is_away_is_a_503_that_says_when_to_come_again(client: Client) -> None:
    answer = await client.get("/broken/unreachable")
    body = await problem(answer, 503, "unreachable")
    assert answer.headers["Retry-After"] == "1"
    assert "kafka:9092" not in json.dumps(body)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("room_unknown", 404),
        ("room_exists", 409),
        ("not_a_member", 403),
        ("text_empty", 422),
        ("text_too_long", 413),
        ("malformed", 400),
        ("spam_by_our_own_rule", 422),
        ("internal", 422),
    ],
)
def test_a_refusal_has_the_status_of_its_code(code: str, status: int) -> None:
    found = refused(Refusal(code, "because"))
    assert (found.status, found.code, found.detail) == (status, code, "because")
    assert json.loads(found.body())["title"]


async def test_what_is_no_http_is_not_quoted_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.port is not None
    with socket.create_connection((client.host, client.port)) as raw:
        raw.sendall(b"GET /stream?ticket=" + b"s3cret" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        raw.setblocking(False)
        answer = await client.get("/nowhere")
    assert answer.status == 404
    assert "s3cret" not in caplog.text
