"""`POST /v1/rooms/{room}/messages/{seq}/report`: tell the moderators of a message."""

from __future__ import annotations

from hashlib import blake2b

import msgspec
from aiohttp import web

from app.domain import wellformed
from app.domain.review import report_id
from app.domain.shown_text import composed
from app.events import Reported
from app.runtime.clock import now_ms
from web.api.callers import authenticate
from web.api.history import message_as_now
from web.api.services import AUDIT_LOG
from web.description.fields import Reason
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.request_body import checked, read_body
from web.http.request_params import message_seq, room_id


class NewReport(msgspec.Struct, forbid_unknown_fields=True):
    """Body of a report."""

    reason: Reason = ""


class ReportTaken(msgspec.Struct):
    """The item of the review queue that a report belongs to."""

    room: str
    seq: int
    item: str


@described(
    Operation(
        {202: ReportTaken},
        body=NewReport,
        example={"reason": "spam"},
        codes=("message_gone", "history_behind"),
    )
)
async def report(request: web.Request) -> web.Response:
    """Report a message to the moderators of its room: 202. Once for each user and message."""
    identity = await authenticate(request)
    room, seq = room_id(request), message_seq(request)
    body = await read_body(request, NewReport)
    reason = composed(checked("reason", wellformed.reason, body.reason))
    message = await message_as_now(request, room, seq, identity.user)
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


def add_routes(app: web.Application) -> None:
    """Add the route of this resource."""
    app.router.add_post("/v1/rooms/{room}/messages/{seq}/report", report)
