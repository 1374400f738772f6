"""`POST /v1/rooms/{room}/messages/{seq}/report`: tell the moderators of a message."""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from aiohttp import web

from app.domain import wellformed
from app.domain.review import report_id
from app.domain.shadow import shown_to
from app.domain.shown_text import composed
from app.events import MessageCreated, Reported, decode_log
from app.runtime.clock import now_ms
from web.api.callers import authenticate
from web.api.history import Reading, read_messages
from web.api.room_access import required_head
from web.api.services import AUDIT_LOG
from web.api.unarchived import unarchived
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import checked, read_body
from web.http.request_params import message_seq, room_id


class NewReport(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a report."""

    reason: str = ""


async def report(request: web.Request) -> web.Response:
    """Report a message to the moderators of its room: 202. Once for each user and message."""
    identity = await authenticate(request)
    room, seq = room_id(request), message_seq(request)
    body = await read_body(request, NewReport)
    reason = composed(checked("reason", wellformed.reason, body.reason))
    message = await _message(request, room, seq, identity.user)
    act = Reported(
        id=blake2b(f"{room}/{seq}/{identity.user}".encode(), digest_size=12).hexdigest(),
        by=identity.user,
        at_ms=now_ms(),
        room=room,
        seq=seq,
        author=message.by,
        text=message.text,
        reason=reason,
    )
    await request.app[AUDIT_LOG].record(act)
    return json({"room": room, "seq": seq, "item": report_id(room, seq)}, 202)


async def _message(request: web.Request, room: str, seq: int, user: str) -> MessageCreated:
    head = await required_head(request, room, user)
    if seq > head.seq:
        raise Problem("message_unknown", "there is no such message")
    late = await unarchived(request, head)
    if seq < late.floor:
        raise Problem("message_gone", "the message was dropped by its age")
    found = await read_messages(
        request, Reading(head, user, late), range(seq, seq + 1), upward=False
    )
    message = decode_log(shown_to(user, found[seq])) if seq in found else None
    if not isinstance(message, MessageCreated):
        raise Problem("message_unknown", "there is no such message")
    if message.deleted:
        raise Problem("message_gone", "the message was deleted")
    return message


def add_routes(app: web.Application) -> None:
    """Add the route of this resource."""
    app.router.add_post("/v1/rooms/{room}/messages/{seq}/report", report)
