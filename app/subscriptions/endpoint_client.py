"""Requests to the endpoints of subscriptions, signed as Standard Webhooks say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import aiohttp

from app.errors import Malformed
from app.events import TRACEPARENT, Subscription
from app.runtime.http_answer import AnswerTooLarge, read_answer
from app.runtime.outside_addresses import CheckedResolver, OutsideAddresses
from app.runtime.webhook_signature import standard_headers
from app.subscriptions.secrets import SubscriptionSecrets
from app.subscriptions.source_events import SourceEvent, batch_body

#: Bytes of an answer that are read: an endpoint has nothing to say but its status.
_ANSWER_BYTES: Final = 16 * 1024

#: Characters of an answer that are shown to the owner.
_SHOWN: Final = 200

#: The longest `Retry-After` that is kept to, in seconds.
_LONGEST_WAIT: Final = 3600.0

_GONE: Final = 410


class Answer(NamedTuple):
    """What became of a request: `why` is empty where the endpoint took it.

    `gone` says that the endpoint wants no more. `wait` is the pause that it asks for, in seconds.
    """

    why: str = ""
    gone: bool = False
    wait: float = 0.0


class EndpointClient:
    """Sends events to endpoints."""

    def __init__(self, secrets: SubscriptionSecrets, addresses: OutsideAddresses) -> None:
        self._secrets = secrets
        self._addresses = addresses
        self._http: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()

    async def post(self, subscription: Subscription, events: Sequence[SourceEvent]) -> Answer:
        """Send events in one request; never raises what the endpoint or the network does."""
        if (flaw := self._addresses.flaw(subscription.url)) is not None:
            return Answer(flaw)
        if subscription.batch > 1:
            body = batch_body([event.body for event in events])
            name = events[0].id if len(events) == 1 else f"{events[0].id}..{events[-1].id}"
        else:
            body, name = events[0].body, events[0].id
        try:
            headers = self._headers(subscription, name, body)
            if len(events) == 1 and events[0].trace:
                headers[TRACEPARENT] = events[0].trace
            async with asyncio.timeout(subscription.timeout_ms / 1000):
                return await self._request(subscription.url, headers, body)
        except TimeoutError:
            return Answer(f"no answer within {subscription.timeout_ms / 1000:g} s")
        except (aiohttp.ClientError, OSError, ValueError, Malformed) as error:
            return Answer(_told(error))

    def _headers(self, subscription: Subscription, name: str, body: bytes) -> dict[str, str]:
        keys = self._secrets.keys(subscription)
        headers = standard_headers(keys, name, int(time.time()), body)
        return headers | {"User-Agent": "Parley", "Parley-Subscription": subscription.id}

    async def _request(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        if self._http is None:
            resolver = CheckedResolver(self._addresses)
            connector = aiohttp.TCPConnector(limit=0, resolver=resolver, ttl_dns_cache=10)
            self._http = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        async with self._http.post(
            url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            if 200 <= answer.status < 300:
                await _read(answer)
                return Answer()
            text = await _read(answer)
            why = f"{answer.status} {answer.reason or ''}".strip()
            if answer.status in range(300, 400):
                why += ", and redirects are not followed"
            elif text:
                why += f": {text}"
            return Answer(why, answer.status == _GONE, _wait(answer))


async def _read(answer: aiohttp.ClientResponse) -> str:
    """The beginning of the answer; what it has beyond is left unread, with its connection."""
    try:
        async with asyncio.timeout(1):
            raw = await read_answer(answer, _ANSWER_BYTES)
    except (AnswerTooLarge, TimeoutError, aiohttp.ClientError):
        answer.close()
        return ""
    return _plain(raw.decode("utf-8", "replace"))[:_SHOWN]


def _wait(answer: aiohttp.ClientResponse) -> float:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() else 0.0


def _told(error: Exception) -> str:
    text = str(error).replace(" ssl:default", "")  # aiohttp says so of plain HTTP as well
    return _plain(text or type(error).__name__)[: 2 * _SHOWN]


def _plain(text: str) -> str:
    """The text in one line of printable characters: others wrote it, and terminals show it."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())
