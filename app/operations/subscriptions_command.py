"""`parley subscriptions`: services outside that get events - made, watched, moved, tried."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from app.domain.subscriptions.kinds import TOPIC_OF
from app.errors import Malformed, ParleyError
from app.events import (
    DeliveryFailed,
    Subscription,
    SubscriptionFollows,
    SubscriptionLags,
)
from app.kafka.group_lag import Lag
from app.kafka.producer import new_producer
from app.operations.agents_past import Since
from app.runtime.clock import now_ms
from app.runtime.outside_addresses import OutsideAddresses
from app.settings import Settings
from app.subscriptions.declarations import Subscriptions, write
from app.subscriptions.delivery_records import delivery_records, send_again
from app.subscriptions.endpoint_client import EndpointClient
from app.subscriptions.management import Changes, SubscriptionRules
from app.subscriptions.named_event import log_place
from app.subscriptions.pull_lag import pull_lag
from app.subscriptions.source_events import trial_event

_SHOWN_FAILURES = 20


class Beginning(Since):
    """A date, or the id of an event of rooms."""

    name = "date or event"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The milliseconds, or the id."""
        if isinstance(value, str) and value.startswith("evt_"):
            try:
                log_place(value)
            except Malformed as error:
                self.fail(str(error), param, ctx)
            return value
        return super().convert(value, param, ctx)


@click.group(name="subscriptions")
def command() -> None:
    """Have services outside get events: add them, see how they do, move them.

    docs/subscriptions.md says what an endpoint gets and how it verifies it.
    """


@command.command()
@click.argument("url", required=False)
@click.option("--pull", is_flag=True, help="No URL: a service reads the events itself.")
@click.option("--kind", "kinds", multiple=True, help="A kind of event, or message.*; repeat it.")
@click.option("--room", "rooms", multiple=True, help="A room, or a pattern; repeat it.")
@click.option("--name", default="", help="A name for people.")
@click.option("--secret", help="whsec_ and base64; by default one is made.")
@click.option("--batch", type=int, default=1, show_default=True, help="Events of one request.")
@click.option("--parallel", type=int, default=8, show_default=True, help="Requests at a time.")
@click.option("--from", "since", type=Beginning(), help="Begin with this date, or event.")
@click.option("--from-start", is_flag=True, help="Begin with the oldest event.")
def add(
    url: str | None,
    pull: bool,
    secret: str | None,
    since: int | str | None,
    from_start: bool,
    **given: Any,
) -> None:
    """Send events to URL from now on.

    Without --kind these are all events of rooms. See `parley subscriptions kinds`.
    """
    if (url is None) != pull:
        raise click.UsageError("give a URL, or --pull")
    if since is not None and from_start:
        raise click.UsageError("give one of --from and --from-start")
    settings = Settings.read()
    rules = SubscriptionRules(settings)
    begin: Any = "start" if from_start else "now" if since is None else since
    changes = Changes(since=begin, **given)
    if url is not None:
        changes.url = url
    if secret is not None:
        changes.secret = secret
    made = asyncio.run(rules.new(changes, getpass.getuser(), now_ms()))
    asyncio.run(_write(settings, made))
    click.echo(made.id)
    if made.url:
        click.echo(f"its endpoint verifies requests with {rules.secrets.shown(made)}")


@command.command(name="kinds")
def kinds_() -> None:
    """The kinds of events, and the topic of each."""
    for kind, topic in TOPIC_OF.items():
        click.echo(f"{kind:24} {topic}")


@command.command(name="list")
@click.option("--json", is_flag=True, help="Everything, as JSON.")
def list_(json: bool) -> None:
    """A line for each subscription: its state, and how far it is behind."""
    settings = Settings.read()
    known, records = asyncio.run(_all(settings))
    if json:
        click.echo(msgspec.json.encode({"subscriptions": known, "deliveries": records}))
        return
    for one in known:
        pulled = [] if one.url else asyncio.run(pull_lag(settings, one))
        state = _state(one, records, pulled)
        click.echo(f"{one.id}  {one.name or '-'}  {one.url or 'pulled'}  {state}")


@command.command()
@click.argument("subscription")
@click.option("--secret", is_flag=True, help="Show the secret, too.")
def show(subscription: str, secret: bool) -> None:
    """What SUBSCRIPTION gets, how far it is behind, and why."""
    settings = Settings.read()
    known, records = asyncio.run(_one(settings, subscription))
    click.echo(f"{known.id}  {known.name}".rstrip())
    goes = f"sends to {known.url}, {known.batch} events a request" if known.url else "is pulled"
    click.echo(f"  {goes}")
    click.echo(f"  kinds    {', '.join(known.kinds) or 'all of rooms'}")
    click.echo(f"  rooms    {', '.join(known.rooms) or 'all'}")
    click.echo(f"  set      {_date(known.at_ms)} by {known.by}")
    pulled = [] if known.url else asyncio.run(pull_lag(settings, known))
    click.echo(f"  state    {_state(known, records, pulled)}")
    for one in records:
        if isinstance(one, SubscriptionLags | SubscriptionFollows):
            for line in _lag_lines(one):
                click.echo(f"  {line}")
    for lag in pulled:
        seconds = f", {lag.seconds:.0f} s" if lag.records else ""
        click.echo(f"  {lag.topic}/{lag.partition}: {lag.records} behind{seconds}")
    if secret:
        click.echo(f"  secret   {SubscriptionRules(settings).secrets.shown(known)}")


@command.command()
@click.argument("subscription")
def test(subscription: str) -> None:
    """Send one event of the kind subscription.test to SUBSCRIPTION, from here."""
    settings = Settings.read()
    known, _ = asyncio.run(_one(settings, subscription))
    if not known.url:
        raise ParleyError(f"{known.id} is pulled: there is no URL to send to")
    answer, seconds = asyncio.run(_test(settings, known))
    if answer:
        raise ParleyError(f"{known.url} did not take it: {answer}")
    click.echo(f"{known.url} took it in {seconds * 1000:.0f} ms")


@command.command()
@click.argument("subscription")
def pause(subscription: str) -> None:
    """Send nothing to SUBSCRIPTION until it is resumed; its events wait."""
    _change(subscription, Changes(paused=True))
    click.echo(f"{subscription} is paused")


@command.command()
@click.argument("subscription")
def resume(subscription: str) -> None:
    """Let SUBSCRIPTION go on where it was paused."""
    _change(subscription, Changes(paused=False))
    click.echo(f"{subscription} goes on")


@command.command()
@click.argument("subscription")
@click.option("--to", "to", type=Beginning(), help="Begin with this date, or event.")
@click.option("--to-start", is_flag=True, help="Begin with the oldest event.")
@click.option("--to-now", is_flag=True, help="Leave out what it has not got yet.")
def move(subscription: str, to: int | str | None, to_start: bool, to_now: bool) -> None:
    """Have SUBSCRIPTION begin anew with the events of another time, or with one event.

    An event is named by its id, such as evt_log-3-0-1204: its room's events come from there on, and
    those of other partitions from its time on. Events that it has got before come again, under the
    same ids.
    """
    if (to is not None) + to_start + to_now != 1:
        raise click.UsageError("give one of --to, --to-start and --to-now")
    since: Any = "start" if to_start else "now" if to_now else to
    made = _change(subscription, Changes(since=since))
    begins = "the oldest event" if to_start else made.from_event or _date(made.from_ms)
    click.echo(f"{subscription} begins with {begins}")


@command.command()
@click.argument("subscription")
def failures(subscription: str) -> None:
    """The events that SUBSCRIPTION did not take in three days."""
    _, records = asyncio.run(_one(Settings.read(), subscription))
    found = [one for one in records if isinstance(one, DeliveryFailed)]
    for one in found:
        click.echo(
            f"{one.event}  {one.type}  {one.room or '-'}  {one.tries} times since"
            f" {_date(one.since_ms)}: {one.why}"
        )
    click.echo(f"{len(found)} failed")


@command.command(name="send-again")
@click.argument("subscription")
@click.option("--event", "events", multiple=True, help="This event alone; repeat it.")
def send_again_(subscription: str, events: Sequence[str]) -> None:
    """Send SUBSCRIPTION again what it did not take."""
    settings = Settings.read()
    _, records = asyncio.run(_one(settings, subscription))
    found = [
        one
        for one in records
        if isinstance(one, DeliveryFailed) and (not events or one.event in events)
    ]
    if missing := set(events) - {one.event for one in found}:
        raise ParleyError(f"{', '.join(sorted(missing))} did not fail: see `failures`")
    asyncio.run(_send_again(settings, found))
    click.echo(f"{len(found)} are sent again")


@command.command()
@click.argument("subscription")
def remove(subscription: str) -> None:
    """Send nothing to SUBSCRIPTION any more, and forget it."""
    settings = Settings.read()
    known, _ = asyncio.run(_one(settings, subscription))
    asyncio.run(_remove(settings, known.id))
    click.echo(f"{subscription} is removed")


def _change(subscription: str, changes: Changes) -> Subscription:
    settings = Settings.read()
    known, _ = asyncio.run(_one(settings, subscription))
    rules = SubscriptionRules(settings)
    made = asyncio.run(rules.changed(known, changes, getpass.getuser(), now_ms()))
    asyncio.run(_write(settings, made))
    return made


async def _all(settings: Settings) -> tuple[list[Subscription], list[Any]]:
    followed = Subscriptions(settings)
    await followed.start()
    await followed.stop()
    known = sorted(followed.all.values(), key=lambda one: one.id)
    return known, list(await delivery_records(settings))


async def _one(settings: Settings, name: str) -> tuple[Subscription, list[Any]]:
    known, records = await _all(settings)
    for one in known:
        if name in {one.id, one.name}:
            return one, [record for record in records if record.subscription == one.id]
    raise ParleyError(f"there is no subscription {name}: see `parley subscriptions list`")


@asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[Any]:
    producer = new_producer(settings)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()


async def _write(settings: Settings, subscription: Subscription) -> None:
    async with _producer(settings) as producer:
        await write(producer, settings.partitions, subscription.id, subscription)


async def _remove(settings: Settings, name: str) -> None:
    async with _producer(settings) as producer:
        await write(producer, settings.partitions, name, None)


async def _send_again(settings: Settings, failed: Sequence[DeliveryFailed]) -> None:
    async with _producer(settings) as producer:
        await send_again(producer, failed)


async def _test(settings: Settings, subscription: Subscription) -> tuple[str, float]:
    secrets = SubscriptionRules(settings).secrets
    client = EndpointClient(secrets, OutsideAddresses(settings.webhook_hosts))
    began = time.monotonic()
    try:
        answer = await client.post(subscription, [trial_event(subscription.id, now_ms())])
    finally:
        await client.close()
    return answer.why, time.monotonic() - began


def _state(one: Subscription, records: Sequence[Any], pulled: Sequence[Lag]) -> str:
    if one.paused:
        return f"paused: {one.why}" if one.why else f"paused by {one.by}"
    mine = [record for record in records if record.subscription == one.id]
    lags = [record for record in mine if isinstance(record, SubscriptionLags)]
    failed = sum(isinstance(record, DeliveryFailed) for record in mine)
    given_up = f", {failed} events failed" if failed else ""
    if behind := sum(lag.records for lag in pulled):
        return f"{behind} records not acknowledged, {max(lag.seconds for lag in pulled):.0f} s"
    tried = [record for record in mine if isinstance(record, SubscriptionFollows) and record.rooms]
    if not lags and tried:
        return f"tries again in {', '.join(tried[0].rooms)}: {tried[0].why}{given_up}"
    if not lags:
        return f"follows{given_up}"
    oldest = min(record.since_ms for record in lags)
    behind = sum(record.behind for record in lags)
    return f"{behind} behind, since {_date(oldest)}{given_up}"


def _lag_lines(one: SubscriptionLags | SubscriptionFollows) -> list[str]:
    lines = []
    if isinstance(one, SubscriptionLags):
        since = _date(one.since_ms)
        lines.append(f"{one.topic}/{one.partition}: {one.behind} behind, since {since}")
    if one.rooms:
        lines.append(
            f"{one.topic}/{one.partition}: tried again in {', '.join(one.rooms)}: {one.why}"
        )
    return lines


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
