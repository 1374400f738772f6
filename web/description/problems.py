"""The problems of an operation, by status: which codes it may answer with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from app.events import Ruling
from web.description.operation import Caller, Operation
from web.http.error_codes import CODES

#: Every request may get these.
_ANY: Final = (
    *("bad_request", "request_timeout", "head_too_large", "rate_limited", "internal"),
    "unreachable",
)
_TOKEN: Final = (
    *("token_missing", "token_malformed", "token_signature", "token_expired", "token_claims"),
    *("token_revoked", "ticket_misused", "banned", "keys_unreachable"),
)
_BODY: Final = (
    *("content_type", "body_too_large", "body_malformed", "field_unknown", "field_missing"),
    *("field_type", "field_value"),
)
#: A command of any kind: the pipeline may refuse it so.
_COMMAND: Final = ("client_id_conflict", "field_value", "malformed", "not_a_member", "banned")

#: What a part of the path may be refused with.
_PATH: Final[dict[str, tuple[str, ...]]] = {
    "room": ("room_unknown",),
    "user": ("member_unknown",),
    "seq": ("message_unknown",),
    "emoji": ("field_value",),
    "item": ("item_unknown",),
    "hook": ("hook_unknown",),
    "token": ("hook_unknown",),
    "subscription": ("subscription_unknown",),
}


class ProblemObject(msgspec.Struct, omit_defaults=True, rename={"kind": "type"}):
    """An error (RFC 9457). Programs use `code`; `title` and `detail` are for people.

    The other members are there where they say more: the `field` or `parameter` that is wrong, the
    `limit` that was met, the `line` of a rule set, the `verdict` of moderation, the `instance` of
    an error in the edge's log.
    """

    kind: str
    title: str
    status: int
    detail: str
    code: str
    field: str | UnsetType = UNSET
    parameter: str | UnsetType = UNSET
    limit: str | int | UnsetType = UNSET
    line: int | UnsetType = UNSET
    seq: int | UnsetType = UNSET
    item_status: str | UnsetType = UNSET
    verdict: Ruling | UnsetType = UNSET
    instance: str | UnsetType = UNSET


def codes_of(operation: Operation, path_parts: tuple[str, ...]) -> dict[int, list[str]]:
    """The codes of an operation by status, both in order."""
    found = dict.fromkeys(_codes(operation, path_parts))
    by_status: dict[int, list[str]] = {}
    for code in sorted(found, key=lambda one: (CODES[one].status, one)):
        by_status.setdefault(CODES[code].status, []).append(code)
    if operation.open_codes:
        by_status.setdefault(422, [])
    return by_status


def _codes(operation: Operation, path_parts: tuple[str, ...]) -> Iterator[str]:
    yield from _ANY
    if operation.caller in (Caller.TOKEN, Caller.ADMIN, Caller.TICKET):
        yield from _TOKEN
    if operation.caller is Caller.ADMIN:
        yield "not_allowed"
    for part in path_parts:
        yield from _PATH[part]
    if operation.query:
        yield "parameter"
    if operation.body is not None:
        yield from _BODY
    if operation.command:
        yield from _COMMAND
    yield from operation.codes


class ProblemResponses:
    """The response objects of problems: operations with the same codes share one."""

    def __init__(self) -> None:
        self.components: dict[str, dict[str, Any]] = {}
        self._names: dict[tuple[int, tuple[str, ...], bool], str] = {}

    def of(self, status: int, codes: list[str], *, open_codes: bool) -> dict[str, Any]:
        """A reference to the response object of a status with these codes."""
        key = status, tuple(codes), open_codes
        name = self._names.get(key)
        if name is None:
            count = sum(known[0] == status for known in self._names)
            name = self._names[key] = f"Problem{status}" + (f"_{count + 1}" if count else "")
            self.components[name] = _response(status, codes, open_codes=open_codes)
        return {"$ref": f"#/components/responses/{name}"}


def _response(status: int, codes: list[str], *, open_codes: bool) -> dict[str, Any]:
    said = [f"`{code}`: {CODES[code].title}." for code in codes]
    code: dict[str, Any] = {"type": "string"}
    if open_codes:
        said.append("Another code: a refusal by rules of the operator's own.")
    else:
        code["enum"] = codes
    schema = {
        "allOf": [
            {"$ref": "#/components/schemas/ProblemObject"},
            {"properties": {"code": code, "status": {"const": status}}},
        ]
    }
    found: dict[str, Any] = {
        "description": "\n".join(said),
        "content": {"application/problem+json": {"schema": schema}},
    }
    if any(CODES[code].again for code in codes):
        found["headers"] = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    return found
