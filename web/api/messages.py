"""Messages: sending, editing, deleting, reacting."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from app.domain import names, wellformed
from app.domain.emojis import REACTIONS, allowed, reaction
from app.domain.shown_text import is_visible
from app.events import AddReaction, DeleteMessage, EditMessage, RemoveReaction, SendMessage
from web.api.attachments import NewAttachment, attached
from web.api.callers import count_text
from web.api.command import (
    JUDGED,
    TEXT_REFUSALS,
    CommandRequest,
    command_request,
    describes_command,
)
from web.api.history import message_as_now
from web.api.services import AUTHENTICATOR, SETTINGS
from web.description.fields import ClientId, MessageSeq, MessageText
from web.http.problem import Problem
from web.http.request_body import checked, read_body
from web.http.request_params import message_seq

#: Bytes of a character that JSON writes as two `\uXXXX`, and of all fields besides the text.
_ESCAPED = 12
_BESIDE = 64 * 1024


class NewMessage(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/rooms/{room}/messages`."""

    text: MessageText | msgspec.UnsetType = msgspec.UNSET
    client_id: ClientId | None = None
    reply_to: MessageSeq = 0
    thread: MessageSeq = 0
    attachments: list[NewAttachment] = []
    meta: dict[str, Any] = {}


@describes_command(
    *TEXT_REFUSALS,
    *("not_allowed", "slow_mode", "message_unknown", "message_gone", "not_a_root"),
    *("attachment_unknown", "room_archived"),
    creates=True,
    body=NewMessage,
    example={"text": "Hello, Ben", "client_id": "hello-1"},
    open_codes=True,
)
async def send(request: web.Request) -> web.Response:
    """`POST /v1/rooms/{room}/messages`: send a message."""
    asked = await command_request(request)
    body = await read_body(request, NewMessage, least=_most_bytes(request))
    count_text(request, asked.identity, body.text or "")
    if body.text is msgspec.UNSET and not body.attachments:
        detail = "a message has text or an attachment"
        raise Problem("field_missing", detail, field="text")
    attachments = attached(request.app[AUTHENTICATOR].ring, asked.room, body.attachments)
    if wrong := wellformed.attachments(attachments):
        raise Problem("field_value", wrong, field="attachments")
    for one in attachments:
        checked("attachments", wellformed.file_name, one.name)
    if wrong := wellformed.meta(body.meta):
        raise Problem("field_value", wrong, field="meta")
    is_about_one = body.reply_to or body.thread
    command = SendMessage(
        **(asked.numbered if is_about_one else asked.fields)(body.client_id),
        text=body.text or "",
        reply_to=body.reply_to,
        thread=body.thread,
        attachments=attachments,
        meta=body.meta,
    )
    return await asked.submit(command)


def _most_bytes(request: web.Request) -> int:
    """The bytes of the longest message: JSON in ASCII takes up to 12 of them for a character."""
    return _ESCAPED * request.app[SETTINGS].text_limit + _BESIDE


class NewText(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `PATCH /v1/rooms/{room}/messages/{seq}`."""

    text: MessageText
    client_id: ClientId | None = None


@describes_command(
    *TEXT_REFUSALS,
    *("not_allowed", "message_gone", "room_archived", "history_behind"),
    body=NewText,
    example={"text": "Hello, Ben!"},
    open_codes=True,
)
async def edit(request: web.Request) -> web.Response:
    """`PATCH /v1/rooms/{room}/messages/{seq}`: edit the text of a message."""
    asked = await command_request(request)
    seq = message_seq(request)
    body = await read_body(request, NewText, least=_most_bytes(request))
    count_text(request, asked.identity, body.text)
    command = EditMessage(
        **asked.numbered(body.client_id),
        seq=seq,
        text=body.text,
        # Attachments never change, so this is still so when the room decides.
        file=not is_visible(body.text) and await _has_file(request, asked, seq),
    )
    return await asked.submit(command)


async def _has_file(request: web.Request, asked: CommandRequest, seq: int) -> bool:
    """Whether the message has an attachment; the room refuses what is no message."""
    try:
        message = await message_as_now(request, asked.room, seq, asked.identity.user)
    except Problem as problem:
        if problem.status >= 500:
            raise
        return False
    return bool(message.attachments)


@describes_command("not_allowed", "message_gone", "room_archived")
async def delete(request: web.Request) -> web.Response:
    """`DELETE /v1/rooms/{room}/messages/{seq}`: delete a message."""
    asked = await command_request(request)
    return await asked.submit(DeleteMessage(**asked.numbered(), seq=message_seq(request)))


@describes_command(
    *JUDGED,
    *("muted", "slow_mode", "message_gone", "too_many_reactions", "room_archived"),
    open_codes=True,
)
async def react(request: web.Request) -> web.Response:
    """`PUT /v1/rooms/{room}/messages/{seq}/reactions/{emoji}`: add a reaction."""
    asked = await command_request(request)
    seq, emoji = message_seq(request), _emoji(request)
    known = reaction(emoji, allowed(request.app[SETTINGS].reactions))
    if known is None:
        raise Problem("field_value", REACTIONS, field="emoji")
    return await asked.submit(AddReaction(**asked.numbered(), seq=seq, emoji=known))


@describes_command("message_gone", "reaction_unknown", "room_archived")
async def unreact(request: web.Request) -> web.Response:
    """`DELETE /v1/rooms/{room}/messages/{seq}/reactions/{emoji}`: remove one's reaction."""
    asked = await command_request(request)
    seq, emoji = message_seq(request), _emoji(request)
    return await asked.submit(RemoveReaction(**asked.numbered(), seq=seq, emoji=emoji))


def _emoji(request: web.Request) -> str:
    return checked("emoji", names.emoji, request.match_info["emoji"])


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    one = "/v1/rooms/{room}/messages/{seq}"
    app.router.add_post("/v1/rooms/{room}/messages", send)
    app.router.add_patch(one, edit)
    app.router.add_delete(one, delete)
    app.router.add_put(one + "/reactions/{emoji}", react)
    app.router.add_delete(one + "/reactions/{emoji}", unreact)
