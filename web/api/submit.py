"""Handing a command to the pipeline, and answering with what became of it."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from app.events import AnyCommand, Verdict
from web.api.services import SENDS
from web.http.problem import refused
from web.http.request_params import wait


async def submit(request: web.Request, command: AnyCommand, location: str = "") -> web.Response:
    """Send a command and answer.

    201: what was posted has its place in the log; 200: something was changed, or it had its place
    before, from an earlier attempt; 202: it is in Kafka and will get its place, or waits for
    somebody to look at it. Raises `Problem` where the pipeline refuses, `Unreachable`
    where Kafka did not take it: then sending it again under the same client id is safe.
    """
    seconds, headers = wait(request)
    verdict = await request.app[SENDS].send(command, seconds)
    if verdict is None:
        return _answer(202, _accepted(command), headers)
    if verdict.refusal is not None:
        raise refused(verdict.refusal, verdict.ruling)
    if verdict.held:
        body = _accepted(command) | {"status": "held", "verdict": verdict.ruling}
        return _answer(202, body, headers)
    if location or verdict.seq:
        headers["Location"] = location or _message(verdict)
    made = request.method == "POST" and not verdict.repeated
    return _answer(201 if made else 200, _placed(verdict), headers)


def _accepted(command: AnyCommand) -> dict[str, Any]:
    return {
        "room": command.room,
        "id": command.id,
        "client_id": command.client_id,
        "status": "accepted",
    }


def _placed(verdict: Verdict) -> dict[str, Any]:
    body: dict[str, Any] = {"room": verdict.room, "n": verdict.n}
    if verdict.seq:
        body["seq"] = verdict.seq
    if verdict.event_id:
        body["id"] = verdict.event_id
    body["client_id"] = verdict.client_id
    if verdict.ruling is not None:
        body["verdict"] = verdict.ruling
    return body | {"repeated": True} if verdict.repeated else body


def _message(verdict: Verdict) -> str:
    """Where one message can be read."""
    return f"/v1/rooms/{verdict.room}/messages?after_seq={verdict.seq - 1}&limit=1"


def _answer(status: int, body: dict[str, Any], headers: dict[str, str]) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/json",
        headers=headers,
    )
