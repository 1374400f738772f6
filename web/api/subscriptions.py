"""Subscriptions: services outside that get events. For admins, and services with their token."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import msgspec
from aiohttp import web
from aiokafka.errors import KafkaError

from app.errors import Unreachable
from app.events import (
    DeliveryFailed,
    OfSubscription,
    Subscription,
    SubscriptionFollows,
    SubscriptionLags,
)
from app.runtime.clock import now_ms
from app.runtime.outside_addresses import OutsideAddresses
from app.subscriptions.declarations import write
from app.subscriptions.delivery_records import delivery_records, send_again
from app.subscriptions.endpoint_client import EndpointClient
from app.subscriptions.management import Changes, SubscriptionFlaw, SubscriptionRules
from app.subscriptions.pull_lag import pull_lag
from app.subscriptions.source_events import trial_event
from web.api.callers import authenticate_admin
from web.api.services import PRODUCER, SETTINGS, SUBSCRIPTIONS
from web.description.operation import Caller, Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import read_body

_PATH: Final = "/v1/subscriptions"
_ONE: Final = _PATH + "/{subscription}"

#: Seconds in which this edge hears of a subscription that it has written.
_HEARS: Final = 5.0


class WantedAgain(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/subscriptions/{subscription}/send-again`: ids of events; none: all."""

    events: tuple[str, ...] = ()


class SubscriptionShown(msgspec.Struct, kw_only=True):
    """A subscription as its owner sees it; without a `url` it is pulled."""

    id: str
    by: str
    at_ms: int
    url: str
    name: str
    kinds: list[str]
    rooms: list[str]
    batch: int
    parallel: int
    timeout_ms: int
    from_ms: int
    from_event: str
    paused: bool
    why: str


class SubscriptionMade(SubscriptionShown, kw_only=True):
    """A new subscription, with the secret of its signatures."""

    secret: str


class SubscriptionState(SubscriptionShown, kw_only=True):
    """A subscription, and how far it is behind.

    `behind` events wait, the oldest since `behind_since_ms`. `tried_again` has the rooms of which
    an event is tried again, and why.
    """

    behind: int
    behind_since_ms: int | None
    tried_again: dict[str, str]
    failures: int


class SubscriptionsShown(msgspec.Struct):
    """All subscriptions."""

    subscriptions: list[SubscriptionShown]


class Trial(msgspec.Struct):
    """Whether the endpoint has taken an event, and why it has not."""

    taken: bool
    why: str
    milliseconds: int


class FailuresShown(msgspec.Struct):
    """Events that the endpoint did not take."""

    failures: list[DeliveryFailed]


class SentAgain(msgspec.Struct):
    """The number of events that are sent again."""

    sent_again: int


@described(
    Operation(
        {201: SubscriptionMade},
        caller=Caller.ADMIN,
        body=Changes,
        example={"url": "https://example.com/hook", "kinds": ["message.*"]},
    )
)
async def create(request: web.Request) -> web.Response:
    """`POST /v1/subscriptions`: send events to a URL; 201 with the secret of its signatures."""
    identity = await authenticate_admin(request)
    changes = await read_body(request, Changes)
    rules = _rules(request)
    try:
        made = await rules.new(changes, identity.user, now_ms())
    except SubscriptionFlaw as flaw:
        raise _problem(flaw) from None
    except (KafkaError, OSError) as error:
        raise _away(error) from error
    await _write(request, made.id, made)
    return json(_shown(made) | {"secret": rules.secrets.shown(made)}, 201)


@described(Operation({200: SubscriptionsShown}, caller=Caller.ADMIN))
async def page(request: web.Request) -> web.Response:
    """`GET /v1/subscriptions`: all subscriptions."""
    await authenticate_admin(request)
    known = request.app[SUBSCRIPTIONS].all
    return json({"subscriptions": [_shown(known[name]) for name in sorted(known)]})


@described(Operation({200: SubscriptionState}, caller=Caller.ADMIN))
async def show(request: web.Request) -> web.Response:
    """`GET /v1/subscriptions/{subscription}`: one of them, with how far it is behind."""
    await authenticate_admin(request)
    known = _known(request)
    records = await _records(request, known)
    lags = [one for one in records if isinstance(one, SubscriptionLags)]
    rooms = {
        room: one.why
        for one in records
        if isinstance(one, SubscriptionLags | SubscriptionFollows)
        for room in one.rooms
    }
    behind = sum(one.behind for one in lags)
    since = min((one.since_ms for one in lags), default=None)
    if not known.url:
        behind, since = await _not_acknowledged(request, known)
    state = {
        "behind": behind,
        "behind_since_ms": since,
        "tried_again": rooms,
        "failures": sum(isinstance(one, DeliveryFailed) for one in records),
    }
    return json(_shown(known) | state)


@described(
    Operation({200: SubscriptionShown}, caller=Caller.ADMIN, body=Changes, example={"paused": True})
)
async def change(request: web.Request) -> web.Response:
    """`PATCH /v1/subscriptions/{subscription}`: change its given fields; `since` moves it."""
    identity = await authenticate_admin(request)
    known = _known(request)
    changes = await read_body(request, Changes)
    try:
        made = await _rules(request).changed(known, changes, identity.user, now_ms())
    except SubscriptionFlaw as flaw:
        raise _problem(flaw) from None
    except (KafkaError, OSError) as error:
        raise _away(error) from error
    await _write(request, made.id, made)
    return json(_shown(made))


@described(Operation({204: None}, caller=Caller.ADMIN))
async def remove(request: web.Request) -> web.Response:
    """`DELETE /v1/subscriptions/{subscription}`: remove it: send nothing more."""
    await authenticate_admin(request)
    known = _known(request)
    await _write(request, known.id, None)
    return web.Response(status=204)


@described(Operation({200: Trial}, caller=Caller.ADMIN, codes=("field_value",)))
async def test(request: web.Request) -> web.Response:
    """`POST /v1/subscriptions/{subscription}/test`: send one event of no room from this edge."""
    await authenticate_admin(request)
    known, settings = _known(request), request.app[SETTINGS]
    if not known.url:
        raise Problem("field_value", "it is pulled: there is no URL to send to", field="url")
    addresses = OutsideAddresses(settings.webhook_hosts)
    client = EndpointClient(_rules(request).secrets, addresses)
    began = time.monotonic()
    try:
        answer = await client.post(known, [trial_event(known.id, now_ms())])
    finally:
        await client.close()
    milliseconds = round((time.monotonic() - began) * 1000)
    return json({"taken": not answer.why, "why": answer.why, "milliseconds": milliseconds})


@described(Operation({200: FailuresShown}, caller=Caller.ADMIN))
async def failures(request: web.Request) -> web.Response:
    """`GET /v1/subscriptions/{subscription}/failures`: events not taken in three days."""
    await authenticate_admin(request)
    records = await _records(request, _known(request))
    failed = [one for one in records if isinstance(one, DeliveryFailed)]
    return json({"failures": [msgspec.to_builtins(one) for one in failed]})


@described(
    Operation(
        {202: SentAgain},
        caller=Caller.ADMIN,
        body=WantedAgain,
        example={"events": ["evt_log-3-0-1204"]},
    )
)
async def again(request: web.Request) -> web.Response:
    """`POST /v1/subscriptions/{subscription}/send-again`: send failed events again."""
    await authenticate_admin(request)
    known = _known(request)
    wanted = set((await read_body(request, WantedAgain)).events)
    records = await _records(request, known)
    failed = [
        one
        for one in records
        if isinstance(one, DeliveryFailed) and (not wanted or one.event in wanted)
    ]
    if missing := wanted - {one.event for one in failed}:
        raise Problem("field_value", f"these did not fail: {sorted(missing)}", field="events")
    try:
        await send_again(request.app[PRODUCER], failed)
    except KafkaError as error:
        raise _away(error) from error
    return json({"sent_again": len(failed)}, 202)


def _known(request: web.Request) -> Subscription:
    known = request.app[SUBSCRIPTIONS].all.get(request.match_info["subscription"])
    if known is None:
        raise Problem("subscription_unknown", "there is no subscription of this id")
    return known


def _rules(request: web.Request) -> SubscriptionRules:
    return SubscriptionRules(request.app[SETTINGS])


def _shown(one: Subscription) -> dict[str, Any]:
    """A subscription as its owner sees it: without what only Parley needs."""
    fields = msgspec.structs.asdict(one)
    for hidden in ("sealed", "moves"):
        del fields[hidden]
    return fields


async def _not_acknowledged(request: web.Request, known: Subscription) -> tuple[int, int | None]:
    """Of a pulled subscription: records behind what is acknowledged, and the oldest one's time."""
    try:
        lags = await pull_lag(request.app[SETTINGS], known)
    except (Unreachable, KafkaError, OSError) as error:
        raise _away(error) from error
    behind = sum(lag.records for lag in lags)
    oldest = max((lag.seconds for lag in lags if lag.records), default=0.0)
    return behind, now_ms() - round(oldest * 1000) if behind else None


async def _records(request: web.Request, known: Subscription) -> list[OfSubscription]:
    try:
        return await delivery_records(request.app[SETTINGS], known.id)
    except (KafkaError, OSError) as error:
        raise _away(error) from error


async def _write(request: web.Request, name: str, made: Subscription | None) -> None:
    """Return when Kafka has it, and when this edge has heard of it."""
    followed = request.app[SUBSCRIPTIONS]
    try:
        await write(request.app[PRODUCER], request.app[SETTINGS].partitions, name, made)
    except KafkaError as error:
        raise _away(error) from error
    try:
        async with asyncio.timeout(_HEARS):
            await followed.heard(name, made)
    except TimeoutError:
        return


def _away(error: Exception) -> Problem:
    return Problem("unreachable", f"Kafka does not answer: {error!r}")


def _problem(flaw: SubscriptionFlaw) -> Problem:
    return Problem("field_value", flaw.reason, field=flaw.field)


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_post(_PATH, create)
    app.router.add_get(_PATH, page)
    app.router.add_get(_ONE, show)
    app.router.add_patch(_ONE, change)
    app.router.add_delete(_ONE, remove)
    app.router.add_post(_ONE + "/test", test)
    app.router.add_get(_ONE + "/failures", failures)
    app.router.add_post(_ONE + "/send-again", again)
