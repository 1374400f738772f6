"""The webhook: a service of the operator's that is asked before a message is accepted."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Literal

import aiohttp
import msgspec
import structlog

from app.domain.moderation import breaker
from app.domain.moderation.decide import judged_text
from app.domain.moderation.ruleset import Hook
from app.events import TRACEPARENT, AnyCommand, Finding
from app.runtime.derived_keys import KeyRing
from app.runtime.http_answer import read_answer
from app.runtime.outside_addresses import CheckedResolver, OutsideAddresses
from app.runtime.webhook_signature import MODERATION, signed_headers
from app.setting_values import without_password

log = structlog.get_logger()

#: Requests in flight at once, and the most bytes of an answer.
MAX_IN_FLIGHT = 64
_MAX_ANSWER_BYTES = 64 * 1024

#: Attempts for a message, and seconds between two.
_ATTEMPTS = 2
_PAUSE = 0.05

#: What an attempt fails with. `ValueError` and `RecursionError` are those of an answer that is not
#: valid: msgspec's own errors, text that is not UTF-8, values that are nested too deep.
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError)


class Answer(msgspec.Struct):
    """The answer of a webhook; `spans` as in a finding, for `mask`."""

    action: Literal["allow", "mask", "hide", "hold", "refuse"]
    reason: str = ""
    spans: tuple[tuple[int, int], ...] = ()


class WebhookFailed(Exception):
    """The webhook did not answer in time, or its answer can't be used, and so again."""


class WebhookClient:
    """Asks webhooks, many requests at once; one that keeps failing is not asked for a while.

    A message beyond `MAX_IN_FLIGHT` waits for its turn first. The time of the webhook begins with
    the request, so a busy worker does not count as a failing webhook.
    """

    def __init__(self, ring: KeyRing, addresses: OutsideAddresses) -> None:
        self._ring = ring
        self._addresses = addresses
        self._http: aiohttp.ClientSession | None = None
        self._turns = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._breakers: dict[str, breaker.Breaker] = {}

    async def ask(
        self, hook: Hook, command: AnyCommand, at_ms: int, trace: str = ""
    ) -> Finding | None:
        """The webhook's finding on a text of a user's; `None` where it lets the command pass.

        `trace` is the `traceparent` of a message that is traced.
        A request that fails is repeated once. Raises `WebhookFailed` where that fails, too: after
        twice `hook.timeout_ms` at the latest, counted from the message's turn.
        """
        async with self._turns:
            known = self._breakers.get(hook.url, breaker.Breaker())
            if not breaker.may_try(known, _monotonic_ms()):
                raise WebhookFailed("not asked, because it failed too often")
            self._breakers[hook.url] = breaker.trying(known, _monotonic_ms())
            try:
                found = await self._ask_again(hook, command, at_ms, trace)
            except WebhookFailed:
                self._note(hook, worked=False)
                raise
            self._note(hook, worked=True)
            return found

    async def _ask_again(
        self, hook: Hook, command: AnyCommand, at_ms: int, trace: str
    ) -> Finding | None:
        """The finding of the first attempt that works."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with asyncio.timeout(hook.timeout_ms / 1000):
                    answer = await self._post(hook, command, at_ms, trace)
                return _finding(answer, judged_text(command))
            except _FAILURES as error:
                url = without_password(hook.url)
                log.warning("moderation hook failed", url=url, error=repr(error))
                if attempt == _ATTEMPTS:
                    raise WebhookFailed(repr(error)) from error
            await asyncio.sleep(_PAUSE)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()

    def _note(self, hook: Hook, *, worked: bool) -> None:
        known = self._breakers.get(hook.url, breaker.Breaker())
        self._breakers[hook.url] = breaker.after(known, _monotonic_ms(), worked=worked)

    def _session(self) -> aiohttp.ClientSession:
        """A session whose connector makes nobody wait: the client's turns limit the connections."""
        resolver = CheckedResolver(self._addresses)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, resolver=resolver))

    async def _post(self, hook: Hook, command: AnyCommand, at_ms: int, trace: str) -> Answer:
        if (flaw := self._addresses.flaw(hook.url)) is not None:
            raise aiohttp.ClientError(flaw)
        if self._http is None:
            self._http = self._session()
        body, now = msgspec.json.encode(_request(command, at_ms)), int(time.time())
        # The id of the command is the same in the second attempt, and after a restart.
        message_id = f"msg_{command.id}"
        headers = signed_headers(self._ring, MODERATION, hook.url, message_id, now, body)
        if trace:
            headers[TRACEPARENT] = trace
        async with self._http.post(
            hook.url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            if answer.status != 200:
                raise aiohttp.ClientError(f"the webhook answers {answer.status}")
            return msgspec.json.decode(await read_answer(answer, _MAX_ANSWER_BYTES), type=Answer)


def _request(command: AnyCommand, at_ms: int) -> dict[str, Any]:
    fields = {
        name: value
        for name, value in msgspec.structs.asdict(command).items()
        if name not in {"edge", "id"} and value not in ((), {}, None)
    }
    kind, text = command.__struct_config__.tag, judged_text(command)
    return {"kind": kind, "at_ms": at_ms, **fields, "text": text}


def _finding(answer: Answer, text: str) -> Finding | None:
    if answer.action == "allow":
        return None
    if any(not 0 <= start < end <= len(text) for start, end in answer.spans):
        raise msgspec.ValidationError("its spans are not within the text")
    if answer.action == "mask" and not answer.spans:
        raise msgspec.ValidationError("it masks nothing")
    reason = answer.reason or "The message was not let through."
    return Finding(answer.action, "hook", reason[:500], (), answer.spans)


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000
