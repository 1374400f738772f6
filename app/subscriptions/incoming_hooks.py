"""Incoming webhooks, as every edge follows them."""

from __future__ import annotations

import hmac
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final

import structlog

from app.errors import Malformed
from app.events import IncomingHook, decode_hook, encode
from app.kafka.broadcast_reader import BroadcastReader
from app.settings import Settings
from app.subscriptions.declarations import Producer
from app.topics import HOOKS, partition_of

log = structlog.get_logger()

#: What the users of hooks begin with, so that none is taken for a person.
USER: Final = "hook-"

#: Bytes of a token's randomness.
_TOKEN: Final = 32


def new_token() -> str:
    """A token that nobody can guess."""
    return token_urlsafe(_TOKEN)


def digest_of(token: str) -> str:
    """The digest by which a token is known."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class IncomingHooks:
    """Follows `chat.hooks`; after `start` never older than at the time of that call."""

    def __init__(self, settings: Settings) -> None:
        self._reader = BroadcastReader(settings, (HOOKS,), self._take)
        self._known: dict[str, IncomingHook] = {}
        self._by_digest: dict[str, IncomingHook] = {}

    async def start(self) -> None:
        """Return when the topic has been read once."""
        await self._reader.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._reader.stop()

    def of_token(self, token: str) -> IncomingHook | None:
        """The hook of a token; `None` where it is none, or was taken back."""
        digest = digest_of(token)
        found = self._by_digest.get(digest)
        return found if found is not None and hmac.compare_digest(found.digest, digest) else None

    def in_room(self, room: str) -> list[IncomingHook]:
        """The hooks of a room, the oldest first."""
        found = [hook for hook in self._known.values() if hook.room == room]
        return sorted(found, key=lambda hook: (hook.at_ms, hook.id))

    def _take(self, record: Any) -> None:
        name = (record.key or b"").decode("utf-8", "replace")
        if (known := self._known.pop(name, None)) is not None:
            self._by_digest.pop(known.digest, None)
        if not record.value:
            return
        try:
            hook = decode_hook(record.value)
        except Malformed as error:
            log.warning("record skipped", topic=HOOKS, reason=str(error))
            return
        if hook.id == name:
            self._known[name] = self._by_digest[hook.digest] = hook


async def write_hook(
    producer: Producer, partitions: int, name: str, hook: IncomingHook | None
) -> None:
    """Set a hook, or take it back with `None`; returns when Kafka has it."""
    value = None if hook is None else encode(hook)
    partition = partition_of(name, partitions)
    await producer.send_and_wait(HOOKS, value, key=name.encode(), partition=partition)
