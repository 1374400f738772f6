"""Path parameters and request headers, parsed and checked."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from app.domain import names, prefer
from app.domain.access import room_unknown
from app.domain.agents import causes
from web.http.problem import Problem, refused
from web.http.request_body import checked

_DIGITS: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
PREFER: Final = "Prefer"
PREFERENCE_APPLIED: Final = "Preference-Applied"


def room_id(request: web.Request) -> str:
    """The room id in the path. Raises `Problem` 404 where no room can have it."""
    room = request.match_info["room"]
    if names.room(room) is not None:
        raise refused(room_unknown(room))
    return room


def user_id(request: web.Request) -> str:
    """The user id in the path. Raises `Problem` 404 where no user can have it."""
    user = request.match_info["user"]
    if names.former_user(user) is not None:
        raise Problem("member_unknown", "there is no such member")
    return user


def message_seq(request: web.Request) -> int:
    """The `seq` in the path. Raises `Problem` 404 where no message can have it."""
    given = request.match_info["seq"]
    if not _DIGITS.fullmatch(given) or int(given) < 1:
        raise Problem("message_unknown", "there is no such message")
    return int(given)


def client_id(request: web.Request, given: str | None) -> str | None:
    """The client's name for its request, from the body's `client_id` or from `Idempotency-Key`.

    The header may be in quotes, as its draft standard wants, or plain. Raises `Problem` 400
    `client_id_conflict` where both are there and differ, `field_value` where one is malformed.
    """
    header = request.headers.get(IDEMPOTENCY_KEY)
    if header is not None:
        header = _unquoted(header)
        if given is not None and given != header:
            detail = "client_id and Idempotency-Key are both given, and differ"
            raise Problem("client_id_conflict", detail)
        return checked(IDEMPOTENCY_KEY, _of_a_client, header)
    return None if given is None else checked("client_id", _of_a_client, given)


def _of_a_client(text: str) -> str | None:
    """Those of agents say that an event follows from an agent: no client may say so."""
    if text.startswith(causes.PREFIX):
        return f"a client_id does not begin with {causes.PREFIX}"
    return names.client_id(text)


def wait(request: web.Request, default: float) -> tuple[float, dict[str, str]]:
    """Seconds to wait for a verdict, and the header that says so where `Prefer` was followed."""
    seconds = prefer.wait(request.headers.getall(PREFER, []))
    if seconds is None:
        return default, {}
    return float(seconds), {PREFERENCE_APPLIED: f"wait={seconds}"}


def _unquoted(header: str) -> str:
    found = _QUOTED.fullmatch(header)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else header
