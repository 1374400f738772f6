from __future__ import annotations

import json

from structlog.testing import capture_logs

from tests.web.conftest import Client


async def test_tickets_and_tokens_are_in_no_log(client: Client, bearer: dict[str, str]) -> None:
    with capture_logs() as logs:
        made = await (await client.post("/v1/stream-tickets", headers=bearer)).json()
        await client.get("/stream", params={"ticket": made["ticket"]})
        await client.get("/stream", params={"ticket": "x." + made["ticket"]})
        await client.get("/whoami", params={"ticket": made["ticket"]}, headers=bearer)
        await client.close()
    lines = [entry for entry in logs if entry["event"] == "request"]
    assert [line["status"] for line in lines] == [201, 200, 401, 401]
    assert lines[1]["target"] == "/stream?…"
    written = json.dumps(logs, default=repr)
    assert made["ticket"] not in written
    assert bearer["Authorization"].split()[1] not in written
