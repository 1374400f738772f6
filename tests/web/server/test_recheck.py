"""Streams end whose tokens do not count any more, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from app.embedded.valkey import Valkey
from app.settings import Settings
from tests.web.conftest import Try
from tests.web.support.issuer import Issuer
from tests.web.support.polling import Door, Poller, door
from web.auth import jwks


async def apart_from_here(test: Coroutine[Any, Any, None]) -> None:
    """Run a test in a loop of its own, which ends all that it has begun."""

    def run() -> None:
        with asyncio.Runner() as runner:
            runner.run(test)

    await asyncio.to_thread(run)


class Streaming(Poller):
    """A client that opens a stream in the place of polls."""

    async def __aenter__(self) -> Streaming:
        await self.connect()
        self.send(self.request("").replace(b"/events", b"/stream"))
        await self.block(b"hello")
        return self

    async def block(self, name: bytes) -> bytes:
        """The next block of this name."""
        async with asyncio.timeout(20):
            while True:
                block = await self.reader.readuntil(b"\n\n")
                if b"event: " + name in block:
                    return block


async def ended(stream: Streaming) -> bytes:
    """The goodbye, and after it the end of the connection."""
    goodbye = await stream.block(b"goodbye")
    await asyncio.wait_for(stream.reader.read(), 10)
    return goodbye


@pytest.mark.parametrize("by_ticket", [False, True])
async def test_a_stream_ends_when_the_issuer_withdraws_its_key(
    settings: Settings, apart: Valkey, monkeypatch: pytest.MonkeyPatch, by_ticket: bool
) -> None:
    # Real edges fetch every 30 seconds.
    monkeypatch.setattr(jwks, "FRESH", 0.05)
    monkeypatch.setattr(jwks, "PAUSE", 0.0)
    await apart_from_here(_withdrawn(replace(settings, redis=apart.url), by_ticket))


async def _withdrawn(settings: Settings, by_ticket: bool) -> None:
    async with Issuer("one", "two") as issuer:
        changes = issuer.settings()
        named = {name: getattr(changes, name) for name in ("jwks", "issuer", "audience")}
        async with door(replace(settings, **named), None) as opened:
            tokens = {kid: issuer.token(kid, sub=user) for kid, user in _USERS.items()}
            queries: dict[str, Any] = {kid: {} for kid in tokens}
            if by_ticket:
                for kid, token in tokens.items():
                    queries[kid]["ticket"] = await ticket_of(opened, token)
            async with (
                Streaming(opened, "ann", tokens["one"], **queries["one"]) as ann,
                Streaming(opened, "ben", tokens["two"], **queries["two"]) as ben,
            ):
                issuer.shown = ["two"]
                assert b"token_signature" in await ended(ann)
                await opened.say("a")
                assert b"message.created" in await ben.reader.readuntil(b"\n\n")
            await opened.context.authenticator.close()


_USERS = {"one": "ann", "two": "ben"}


async def ticket_of(opened: Door, token: str) -> str:
    """A ticket for the bearer of a token."""
    authenticator = opened.context.authenticator
    identity = await authenticator.bearer({"Authorization": f"Bearer {token}"}, {})
    return opened.ticket_for(identity)


async def test_one_look_at_the_connections_serves_all_changes_of_a_moment(
    served_once: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_look(opened: Door) -> None:
        looked = 0
        shut_out = opened.context.authenticator.shut_out

        def counted(identity: Any) -> Any:
            nonlocal looked
            looked += 1
            return shut_out(identity)

        async with Streaming(opened, "ann") as ann, Streaming(opened, "ben"):
            monkeypatch.setattr(opened.context.authenticator, "shut_out", counted)
            for number in range(100):
                opened.revoked.before[f"user-{number}"] = 9e9
                opened.context.authenticator.recheck()
            opened.revoked.before["ann"] = 9e9
            opened.context.authenticator.recheck()
            assert b"token_revoked" in await ended(ann)
            assert looked == 2

    await served_once(one_look)
