"""A receiver of webhooks on this machine, which keeps what it took and does as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from tests.support.served import Served

#: What a receiver answers to an event: a status, after a wait perhaps.
Answers = Callable[[dict[str, Any]], Awaitable[int]]


async def takes_all(_: dict[str, Any]) -> int:
    """Take every event."""
    return 200


class Receiver(Served):
    """An endpoint; with a `secret` it verifies each request by the library of Standard Webhooks."""

    def __init__(self, answers: Answers = takes_all) -> None:
        super().__init__("/hook", self._take)
        self.answers = answers
        self.secret = ""
        #: The events that it took, in order; doubles among them.
        self.taken: list[dict[str, Any]] = []
        self.requests = 0
        self.under_way = 0
        self.most_under_way = 0
        self.forged = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.root}/hook"

    def texts(self, room: str) -> list[str]:
        """The texts of a room's messages in the order in which they came, each once."""
        found = [
            event["data"]["text"]
            for event in self.taken
            if event["type"] == "message.created" and event["data"]["room"] == room
        ]
        return list(dict.fromkeys(found))

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.requests += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if self.secret:
                Webhook(self.secret).verify(body, dict(request.headers))
            said = json.loads(body)
            events = said.get("events", [said])
            statuses = [await self.answers(event) for event in events]
            if (worst := max(statuses)) < 300:
                self.taken += events
            return web.Response(status=worst)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.forged += 1
            return web.Response(status=400, text=repr(error))
        finally:
            self.under_way -= 1
