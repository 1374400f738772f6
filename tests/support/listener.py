"""A listener: by stream, with a widely used client, or by long-poll."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import httpx
import orjson
from httpx_sse import EventSource, aconnect_sse

from tests.support.chat import Chat

WITHIN = 20.0


class Listener:
    """A stream at an edge; `async with` it, then look at `events`."""

    def __init__(
        self,
        chat: Chat,
        user: str,
        cursor: str = "",
        url: str = "",
        token: str = "",
        address: str = "",
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self.hello: dict[str, Any] = {}
        self.goodbye: dict[str, Any] = {}
        self.cursor = cursor
        self.pings = 0
        self._url = address or f"{url or chat.url}/v1/stream"
        self._headers = {"Authorization": f"Bearer {token or chat.token(user)}"}
        if "ticket=" in address:
            self._headers = {}  # as a browser's EventSource, which has the ticket alone
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._listen())
        await self.until(lambda: bool(self.hello))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def messages(self, room: str = "") -> list[str]:
        """Texts of the messages, in the order in which they came."""
        return [
            event["text"]
            for event in self.events
            if event["kind"] == "message.created" and room in ("", event["room"])
        ]

    def numbers(self, room: str) -> list[int]:
        """Each `n` of a room, in the order in which they came."""
        return [event["n"] for event in self.events if event.get("room") == room]

    async def until(self, condition: Any, within: float = WITHIN) -> None:
        """Return when the condition is true; it is looked at after each event."""
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(lambda: condition() or self._failed())
        except TimeoutError:
            raise AssertionError(f"not in {within} s; had {self.events[-5:]}") from None
        if self._failed() and not condition():
            assert self._task is not None
            raise AssertionError("the stream ended") from self._task.exception()

    def _failed(self) -> bool:
        return self._task is not None and self._task.done()

    async def _listen(self) -> None:
        headers = dict(self._headers)
        if self.cursor:
            headers["Last-Event-ID"] = self.cursor
        try:
            async with (
                httpx.AsyncClient(timeout=None) as client,
                aconnect_sse(client, "GET", self._url, headers=headers) as source,
            ):
                source.response.raise_for_status()
                await self._take(source)
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def _take(self, source: EventSource) -> None:
        async for event in source.aiter_sse():
            data = orjson.loads(event.data)
            match event.event:
                case "message":
                    self.events.append(data)
                case "ping":
                    self.pings += 1
                case "hello":
                    self.hello = data
                case "goodbye":
                    self.goodbye = data
            self.cursor = event.id or self.cursor
            async with self._changed:
                self._changed.notify_all()
