from __future__ import annotations

from app.settings import Settings
from tests.conftest import SECRET
from tests.web.conftest import Client, Serve

PAGE = {"Origin": "https://chat.example"}
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "prefer"}


async def test_a_page_may_ask_once_and_remember(client: Client) -> None:
    answer = await client.options("/v1/rooms", headers={**PAGE, **ASKS})
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    wanted = {"Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "Prefer"}
    assert wanted < set(allowed)
    assert int(answer.headers["Access-Control-Max-Age"]) > 600


async def test_a_page_may_send_the_headers_that_it_asks_for(client: Client) -> None:
    """Those of polyfills of EventSource and of tracing, and any of a library of tomorrow."""
    wanted = [
        *("authorization", "cache-control", "last-event-id", "pragma", "x-requested-with"),
        *("traceparent", "tracestate", "baggage", "sentry-trace", "x-datadog-trace-id"),
        *("x-request-id", "ngrok-skip-browser-warning", "if-none-match", "x-custom"),
    ]
    asks = {**ASKS, "Access-Control-Request-Headers": ",".join(wanted)}
    answer = await client.options("/v1/rooms", headers={**PAGE, **asks})
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert {one.lower() for one in allowed} >= set(wanted)
    assert len(allowed) == len({one.lower() for one in allowed})


async def test_a_preflight_brings_nothing_into_the_answer_but_names(client: Client) -> None:
    asked = 'x-a , bad name, b;c, "d", ' + ",".join(f"x-{i}" for i in range(1000))
    asks = {**ASKS, "Access-Control-Request-Headers": asked}
    answer = await client.options("/v1/rooms", headers={**PAGE, **asks})
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert "x-a" in allowed
    assert len(allowed) < 100
    assert all(one.replace("-", "").isalnum() for one in allowed)


async def test_a_page_can_read_errors_too(client: Client) -> None:
    for path in ("/nowhere", "/whoami", "/broken/bug"):
        answer = await client.get(path, headers=PAGE)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Link" in answer.headers["Access-Control-Expose-Headers"]


async def test_only_listed_origins_may_call(serve: Serve) -> None:
    origins = "https://chat.example, https://other.example"
    client = await serve(Settings(secret=SECRET, origins=origins))
    listed = await client.options("/notes", headers={**PAGE, **ASKS})
    assert listed.headers["Access-Control-Allow-Origin"] == "https://chat.example"
    strange = await client.options("/notes", headers={"Origin": "https://evil.example", **ASKS})
    assert "Access-Control-Allow-Origin" not in strange.headers
    for answer in (listed, strange, await client.get("/whoami")):
        assert answer.headers["Vary"] == "Origin"


async def test_options_without_a_preflight_is_a_method_like_others(client: Client) -> None:
    assert (await client.options("/notes")).status == 405
