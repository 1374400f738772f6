"""Commands: parsed once from a request, sent into the pipeline, answered with their verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
from aiohttp import web

from app.errors import Unreachable
from app.events import TRACEPARENT, AnyCommand, Ruling, Verdict
from app.topics import partition_of
from app.tracing.tracing import Span
from web.api.callers import authenticate
from web.api.services import COMMANDS, HUB, SETTINGS, TRACING
from web.auth.token_cache import Identity
from web.description.operation import H, Operation, described
from web.http.json_response import json
from web.http.problem import refused
from web.http.request_params import client_id, room_id, wait
from web.producer.command_sender import outcome

#: What moderation may refuse a text with, such as a room's name, besides an operator's own codes.
JUDGED: Final = ("blocked", "moderation_away")

#: The same for the text of a message.
TEXT_REFUSALS: Final = (*JUDGED, "text_empty", "text_too_long", "muted")


class Numbered(msgspec.Struct, omit_defaults=True):
    """An event that is in its room's log, at `n`; a message also has its `seq` in the room.

    `id` is the event's. `repeated`: an earlier attempt has made it, or the state is so already.
    `verdict` is what moderation has found, where it let the message pass all the same.
    """

    room: str
    n: int
    client_id: str
    seq: int = 0
    id: str = ""
    verdict: Ruling | None = None
    repeated: bool = False


class Pending(msgspec.Struct, omit_defaults=True):
    """A command that is in Kafka: `accepted` waits for its number, `held` for a moderator."""

    room: str
    id: str
    client_id: str
    status: Literal["accepted", "held"]
    verdict: Ruling | None = None


def describes_command(
    *codes: str,
    creates: bool = False,
    body: Any = None,
    example: Any = None,
    open_codes: bool = False,
) -> Callable[[H], H]:
    """The description of a command; `creates`: it is a POST, whose event is new."""
    answers = {201: Numbered, 200: Numbered} if creates else {200: Numbered}
    return described(
        Operation(
            answers={**answers, 202: Pending},
            body=body,
            example=example,
            codes=codes,
            command=True,
            open_codes=open_codes,
        )
    )


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """A request that becomes a command: its caller, and its room where the path names one."""

    request: web.Request
    identity: Identity
    room: str = ""
    #: When the request came, in nanoseconds since 1970.
    began_ns: int = field(default_factory=time.time_ns)

    def fields(self, given: str | None = None) -> dict[str, Any]:
        """`room`, `by`, `id`, `client_id` and `edge` of the command.

        `given` is the body's `client_id`. Without it, and without `Idempotency-Key`, the command's
        own id is its client id. Raises `Problem` 400 as `client_id` does.
        """
        commands = self.request.app[COMMANDS]
        command_id = commands.new_id()
        return {
            "room": self.room,
            "by": self.identity.user,
            "id": command_id,
            "client_id": client_id(self.request, given) or command_id,
            "edge": commands.edge,
        }

    def numbered(self, given: str | None = None) -> dict[str, Any]:
        """The same with the `epoch` of the log that message numbers of the request are of."""
        deployment = self.request.app[HUB].state.deployment
        partition = partition_of(self.room, self.request.app[SETTINGS].partitions)
        return {**self.fields(given), "epoch": deployment.epoch(partition)}

    async def submit(self, command: AnyCommand, location: str = "") -> web.Response:
        """Send the command, and answer with its verdict.

        201: a POST has its number in the log. 200: something was changed, or an earlier attempt
        has the number already. 202: the command is in Kafka and waits for its number or for a
        moderator. Raises `Problem` where the pipeline refuses, and `Unreachable` where Kafka did
        not take the command; a repetition under the same client id is safe then.
        """
        request = self.request
        seconds, headers = wait(request, request.app[SETTINGS].wait)
        verdict = await self._send(command, seconds)
        if verdict is None:
            return json(_accepted(command), 202, headers)
        if verdict.refusal is not None:
            raise refused(verdict.refusal, verdict.ruling)
        if verdict.held:
            body = _accepted(command) | {"status": "held", "verdict": verdict.ruling}
            return json(body, 202, headers)
        if location or verdict.seq:
            headers["Location"] = location or _message_path(verdict)
        created = request.method == "POST" and not verdict.repeated
        return json(_numbered(verdict), 201 if created else 200, headers)

    async def _send(self, command: AnyCommand, seconds: float) -> Verdict | None:
        """Send the command, within a span where it is traced."""
        commands = self.request.app[COMMANDS]
        if (span := self._span()) is None:
            return await commands.send(command, seconds)
        span.note(parley_room=command.room, parley_command=command.id)
        try:
            verdict = await commands.send(command, seconds, (span.header,))
            span.note(parley_outcome=outcome(verdict))
        except Unreachable:
            span.note(parley_outcome="unreachable")
            raise
        finally:
            span.end()
        return verdict

    def _span(self) -> Span | None:
        request = self.request
        tracing = request.app[TRACING]
        if not tracing.is_on:
            return None
        resource = request.match_info.route.resource
        # The pattern of the path: a path may have a token in it.
        name = f"{request.method} {'' if resource is None else resource.canonical}"
        return tracing.of_request(name, _traceparent(request), self.began_ns)


async def command_request(request: web.Request) -> CommandRequest:
    """The caller and the room of a request. Raises `Problem` 401, 403, 503, or 404 for the room."""
    began_ns = time.time_ns()
    identity = await authenticate(request)
    return CommandRequest(request, identity, room_id(request), began_ns)


def _accepted(command: AnyCommand) -> dict[str, Any]:
    return {
        "room": command.room,
        "id": command.id,
        "client_id": command.client_id,
        "status": "accepted",
    }


def _numbered(verdict: Verdict) -> dict[str, Any]:
    body: dict[str, Any] = {"room": verdict.room, "n": verdict.n}
    if verdict.seq:
        body["seq"] = verdict.seq
    if verdict.event_id:
        body["id"] = verdict.event_id
    body["client_id"] = verdict.client_id
    if verdict.ruling is not None:
        body["verdict"] = verdict.ruling
    return body | {"repeated": True} if verdict.repeated else body


def _message_path(verdict: Verdict) -> str:
    """The path that reads this one message."""
    return f"/v1/rooms/{verdict.room}/messages?after_seq={verdict.seq - 1}&limit=1"


def _traceparent(request: web.Request) -> str | None:
    """The header of the caller's trace; two of them are as none."""
    found = request.headers.getall(TRACEPARENT, [])
    return found[0] if len(found) == 1 else None
