"""`parley revoke`: takes tokens back before they end."""

from __future__ import annotations

import asyncio
import time

import click

from app.domain import names, wellformed
from app.errors import ParleyError
from app.events import AnyRevocation, TokenRevoked
from app.kafka.producer import new_producer
from app.moderation.revoked_tokens import all_tokens_of, revoke
from app.runtime.clock import now_ms
from app.settings import Settings


@click.command(name="revoke")
@click.argument("user", required=False)
@click.option("--jti", help="Take back the one token with this id instead.")
@click.option("--by", default="operator", show_default=True, help="Your name for the record.")
def command(user: str | None, jti: str | None, by: str) -> None:
    """Take back all tokens of USER that were issued until now, or one token by its id.

    Every edge refuses them within a second, and ends the streams that they opened. Tokens that are
    issued later count; to keep somebody out, ban them.
    """
    settings = Settings.read()
    revocation: AnyRevocation
    if (user is None) == (jti is None):
        raise click.UsageError("give a USER, or --jti")
    if user is not None:
        wrong = names.user(user)
        revocation = all_tokens_of(user, by, time.time())
    else:
        wrong = wellformed.token_id(jti or "")
        revocation = TokenRevoked(jti=jti or "", by=by, at_ms=now_ms())
    if wrong:
        raise ParleyError(wrong)
    asyncio.run(_revoke(settings, revocation))
    click.echo(f"Taken back: {user or jti}")


async def _revoke(settings: Settings, revocation: AnyRevocation) -> None:
    producer = new_producer(settings)
    await producer.start()
    try:
        await revoke(producer, settings.partitions, revocation)
    finally:
        await producer.stop()
