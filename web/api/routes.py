"""Every path of the edge."""

from __future__ import annotations

from aiohttp import web

from web.api import (
    attachments,
    description,
    health,
    history,
    incoming_hooks,
    members,
    messages,
    moderation_rules,
    notify,
    operator,
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
    streams,
    subscriptions,
    sync,
    typing_indicator,
    unread,
)


def add_routes(app: web.Application) -> None:
    """Add the routes of each resource."""
    for resource in (
        *(health, description, stream_tickets, rooms, members, messages, history, search),
        *(reports, review_queue, moderation_rules, sanctions, revocations, subscriptions),
        *(pulled_subscriptions, incoming_hooks, operator),
        *(notify, push_subscriptions),
        *(
            read_receipts,
            unread,
            sync,
            typing_indicator,
            presence,
            attachments,
            streams,
            static_files,
        ),
    ):
        resource.add_routes(app)
