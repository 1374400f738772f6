"""A webhook service that answers as the text of the message says."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.embedded.ports import free_port
from app.runtime.webhook_signature import MODERATION, hook_secret
from tests.conftest import SECRET


class Service:
    """An HTTP server; `asked` are the questions that it got, `signed` whether all were signed."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}/before"
        self.asked: list[dict[str, Any]] = []
        self.signed = True
        self.at_once = 0
        self._now = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/before", self._before)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        port = int(self.url.split(":")[2].split("/")[0])
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _before(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            Webhook(hook_secret(SECRET, MODERATION, self.url)).verify(body, dict(request.headers))
        except WebhookVerificationError:
            self.signed = False
        question = await request.json()
        self.asked.append(question)
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        try:
            return await self._answer(request, question["text"])
        finally:
            self._now -= 1

    async def _in_pieces(self, request: web.Request) -> web.StreamResponse:
        """Refuse, in an answer whose first half is a whole answer that lets the message pass."""
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b'{"action": "allow"', b', "action": "refuse", "reason": "In pieces."}'):
            await response.write(piece)
            await asyncio.sleep(0.1)
        return response

    async def _answer(self, request: web.Request, text: str) -> web.StreamResponse:
        match text.split():
            case ["slow", seconds, *_]:
                await asyncio.sleep(float(seconds))
            case ["slowly", "no", *_]:
                await asyncio.sleep(0.15)
                return web.json_response({"action": "refuse"})
            case ["nonsense", *_]:
                return web.Response(text="moo")
            case ["piecewise", *_]:
                return await self._in_pieces(request)
            case ["no", *_]:
                return web.json_response({"action": "refuse", "reason": "The service says no."})
            case ["mask", *_]:
                return web.json_response({"action": "mask", "spans": [[0, 4]]})
        return web.json_response({"action": "allow"})
