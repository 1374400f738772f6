"""Attachments: Parley stores no files. The operator's upload hook says where a file goes.

`POST /v1/rooms/{room}/uploads` asks the hook, which answers with a URL to upload to and the URL
that others read. The edge signs the latter with the name, type and size that the hook was asked
about, and a message may carry it with that signature alone. So a message can carry no file that the
hook did not place, and none that calls itself something else.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import time
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
from aiohttp import web

from app.domain import wellformed
from app.domain.shown_text import composed
from app.events import Attachment
from app.runtime.derived_keys import KeyRing, Purpose
from app.runtime.http_answer import AnswerTooLarge, read_answer
from app.runtime.webhook_signature import UPLOAD, signed_headers
from app.settings import Settings
from web.api.callers import authenticate
from web.api.room_access import required_head
from web.api.services import AUTHENTICATOR, SETTINGS
from web.description.operation import Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import checked, read_body
from web.http.request_params import room_id

#: Seconds that the hook may take, and the most bytes of its answer.
_TIMEOUT = 5.0
_MAX_ANSWER = 64 * 1024


class NewUpload(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/rooms/{room}/uploads`; `size` in bytes."""

    name: str
    type: str = ""
    size: int = 0


class UploadPlace(msgspec.Struct):
    """The hook's answer: where the file goes, with which headers, and where it is read."""

    upload_url: str
    url: str
    method: str = "PUT"
    headers: dict[str, str] = {}


class SignedPlace(msgspec.Struct):
    """Where a file goes, and the `url` and `signature` that a message then carries."""

    upload_url: str
    url: str
    method: str
    headers: dict[str, str]
    signature: str


class NewAttachment(msgspec.Struct, forbid_unknown_fields=True):
    """A file of a message, as `POST …/uploads` answered."""

    url: str
    signature: str
    name: str = ""
    type: str = ""
    size: int = 0


@described(
    Operation(
        {201: SignedPlace},
        body=NewUpload,
        example={"name": "tea.png", "type": "image/png", "size": 1024},
        codes=("uploads_off", "upload_hook"),
    )
)
async def create(request: web.Request) -> web.Response:
    """`POST /v1/rooms/{room}/uploads`: the place of a new file; 201."""
    identity = await authenticate(request)
    room = room_id(request)
    settings = request.app[SETTINGS]
    if not settings.upload_hook:
        raise Problem("uploads_off", "this edge has no PARLEY_UPLOAD_HOOK")
    body = await read_body(request, NewUpload)
    body.name = composed(checked("name", wellformed.file_name, body.name))
    await required_head(request, room, identity.user)
    asked = {"user": identity.user, "room": room, **msgspec.structs.asdict(body)}
    ring = request.app[AUTHENTICATOR].ring
    place = await _ask(settings, ring, asked)
    signature = issued(ring, room, place.url, body)
    return json(msgspec.structs.asdict(place) | {"signature": signature}, status=201)


async def _ask(settings: Settings, ring: KeyRing, asked: dict[str, Any]) -> UploadPlace:
    """The hook's answer to a signed question."""
    body = msgspec.json.encode(asked)
    url, now = settings.upload_hook, int(time.time())
    headers = signed_headers(ring, UPLOAD, url, f"msg_{uuid4().hex}", now, body)
    try:
        async with (
            asyncio.timeout(_TIMEOUT),
            aiohttp.ClientSession() as http,
            # A redirect would take the request to a place that nobody has set.
            http.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            if answer.status >= 300:
                raise _failed(f"answers {answer.status}")
            content = await read_answer(answer, _MAX_ANSWER)
    except AnswerTooLarge as error:
        raise _failed("answers with too much") from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise _failed("does not answer") from error
    try:
        return msgspec.json.decode(content, type=UploadPlace)
    # Not only `MsgspecError`: text that is not UTF-8, and values that are nested too deep.
    except (ValueError, RecursionError) as error:
        raise _failed("answers with something else than a place") from error


def _failed(what: str) -> Problem:
    return Problem("upload_hook", f"the upload hook {what}")


def _of_url(ring: KeyRing, room: str, url: str) -> list[bytes]:
    """The digests of a place alone, as earlier releases gave them out."""
    return ring.digests(Purpose.ATTACHMENT, (room, url), f"upload/{room}/{url}")


def issued(ring: KeyRing, room: str, url: str, upload: NewUpload) -> str:
    """The signature of a place: what the hook was asked about, and a digest of that and the URL.

    As long as there may be edges of an earlier release, it is one that they know, of the URL alone.
    """
    if not ring.keys(Purpose.ATTACHMENT)[0].derived:
        return _of_url(ring, room, url)[0].hex()
    asked = base64.urlsafe_b64encode(msgspec.json.encode(upload)).decode()
    digest = ring.digests(Purpose.ATTACHMENT, (room, url, asked))[0]
    return f"{asked}.{digest.hex()}"


def attached(ring: KeyRing, room: str, given: list[NewAttachment]) -> tuple[Attachment, ...]:
    """The attachments of a message, with what the hook was asked about each.

    A message need not repeat that, and can't say anything else. Raises `Problem` 422 where an
    attachment was not issued for the room, or is another.
    """
    return tuple(_attached(ring, room, one) for one in given)


def _attached(ring: KeyRing, room: str, one: NewAttachment) -> Attachment:
    asked, bound, digest = one.signature.rpartition(".")
    if bound:
        known = ring.digests(Purpose.ATTACHMENT, (room, one.url, asked))
    else:
        known = _of_url(ring, room, one.url)
    said = digest.encode("utf-8", "surrogatepass")
    if not any(hmac.compare_digest(said, good.hex().encode()) for good in known):
        raise Problem("attachment_unknown", f"{one.url!r} was not handed out for this room")
    if not bound:
        return Attachment(url=one.url, name=one.name, type=one.type, size=one.size)
    file = msgspec.json.decode(base64.urlsafe_b64decode(asked), type=NewUpload)
    for field, told in (("name", one.name), ("type", one.type), ("size", one.size)):
        if told and told != getattr(file, field):
            detail = f"the {field} of {one.url!r} is not the one that was asked for"
            raise Problem("attachment_unknown", detail)
    return Attachment(url=one.url, name=file.name, type=file.type, size=file.size)


def add_routes(app: web.Application) -> None:
    """Add the route of this resource."""
    app.router.add_post("/v1/rooms/{room}/uploads", create)
