"""Every path that aiohttp serves; web/server/connection.py serves streams and polls itself."""

from __future__ import annotations

from aiohttp import web

from web.api import (
    attachments,
    health,
    history,
    incoming_hooks,
    members,
    messages,
    moderation_rules,
    notify,
    presence,
    pulled_subscriptions,
    push_subscriptions,
    read_receipts,
    reports,
    review_queue,
    revocations,
    rooms,
    sanctions,
    search,
    static_files,
    stream_tickets,
    subscriptions,
    sync,
    typing_indicator,
)
from web.http.problem import Problem


def add_routes(app: web.Application) -> None:
    """Add the routes of each resource."""
    for resource in (
        *(health, stream_tickets, rooms, members, messages, history, search),
        *(reports, review_queue, moderation_rules, sanctions, revocations, subscriptions),
        *(pulled_subscriptions, incoming_hooks),
        *(notify, push_subscriptions),
        *(read_receipts, sync, typing_indicator, presence, attachments, static_files),
    ):
        resource.add_routes(app)
    # With another method than GET these two paths are a 405, not unknown.
    app.router.add_get("/v1/stream", spelled_otherwise, allow_head=False)
    app.router.add_get("/v1/events", spelled_otherwise, allow_head=False)


async def spelled_otherwise(_: web.Request) -> web.Response:
    """Refuse a target such as `/v1/%73tream`, or one with a host in it."""
    raise Problem("bad_request", "spell the path as /v1/stream or /v1/events, without a host")
