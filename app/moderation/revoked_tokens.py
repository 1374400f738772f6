"""The tokens that were taken back, as every edge follows them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.errors import Malformed, Unreachable
from app.events import (
    AnyRevocation,
    TokenRevoked,
    TokensRevoked,
    decode_revocation,
    encode,
    revocation_key,
)
from app.kafka.broadcast_reader import BroadcastReader
from app.kafka.resilient_producer import ResilientProducer
from app.settings import Settings
from app.topics import REVOCATIONS, partition_of, wrong_partition

log = structlog.get_logger()


class RevokedTokens:
    """Follows `chat.revocations`; after `start` never older than at the time of that call."""

    def __init__(self, settings: Settings) -> None:
        self._reader = BroadcastReader(settings, (REVOCATIONS,), self._take)
        self._partitions = settings.partitions
        self._ready = False
        #: By person: the time before which a token must not have been issued.
        self.not_before: dict[str, TokensRevoked] = {}
        #: By `jti`.
        self.tokens: dict[str, TokenRevoked] = {}
        #: Called after each revocation that comes after the start.
        self.on_revoked: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Return when the topic has been read once."""
        await self._reader.start()
        self._ready = True

    async def stop(self) -> None:
        """Stop following."""
        await self._reader.stop()

    def refuses(self, user: str, issued_at: float, token_id: str) -> bool:
        """Whether a token of the user's, issued then and of this id, does not count any more.

        `issued_at` is 0 where the token does not say, `token_id` empty where it has none.
        """
        found = self.not_before.get(user)
        if found is not None and issued_at < found.not_before:
            return True
        return token_id != "" and token_id in self.tokens

    def standing(self, now: float, after: str = "") -> Iterator[AnyRevocation]:
        """The revocations behind a key: of tokens that have not ended by themselves, of users."""
        standing: list[AnyRevocation] = [*self.not_before.values()]
        standing += [one for one in self.tokens.values() if not one.until or one.until > now]
        known = {revocation_key(one): one for one in standing}
        return (known[key] for key in sorted(known) if key > after)

    def _take(self, record: Any) -> None:
        try:
            revocation = decode_revocation(record.value)
            key = revocation_key(revocation)
            if wrong := wrong_partition(key, record.partition, self._partitions):
                raise Malformed(wrong)
        except Malformed as error:
            log.warning("record skipped", topic=record.topic, reason=str(error))
            return
        if isinstance(revocation, TokensRevoked):
            known = self.not_before.get(revocation.user)
            if known is None or revocation.not_before > known.not_before:
                self.not_before[revocation.user] = revocation
        elif not revocation.until or revocation.until > time.time():
            self.tokens[revocation.jti] = revocation
        if self._ready:
            self.on_revoked()


async def revoke(
    producer: AIOKafkaProducer | ResilientProducer, partitions: int, revocation: AnyRevocation
) -> None:
    """Take tokens back; returns when Kafka has it. Raises `Unreachable`."""
    key = revocation_key(revocation)
    try:
        await producer.send_and_wait(
            REVOCATIONS,
            encode(revocation),
            key=key.encode(),
            partition=partition_of(key, partitions),
        )
    except KafkaError as error:
        raise Unreachable(f"Kafka did not take the record: {error!r}") from error


def all_tokens_of(user: str, by: str, now: float) -> TokensRevoked:
    """The revocation of all tokens of a user that were issued until now, in Unix seconds.

    `iat` mostly has whole seconds: those of this second are among them.
    """
    return TokensRevoked(user=user, not_before=int(now) + 1, by=by, at_ms=int(now * 1000))
