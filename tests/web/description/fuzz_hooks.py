"""Hooks of schemathesis: most requests are about what is there, and none about others' people.

`FUZZ_KNOWN` has what is there, in JSON: a room with messages that the caller owns, a subscription,
an incoming webhook.
"""

from __future__ import annotations

import json
import os
from itertools import count
from typing import Any

import schemathesis

KNOWN: dict[str, str] = json.loads(os.environ["FUZZ_KNOWN"])

#: Parts that the operator has left out, and an archive that is behind: both are described.
NO_FAULTS = {"uploads_off", "history_behind"}

#: Seconds that polls may wait for an event.
WAITS = {"/v1/events": ("timeout",), "/v1/subscriptions/{subscription}/events": ("wait",)}

_turns = count()


@schemathesis.check
def no_fault_of_the_edge(context: Any, response: Any, case: Any) -> None:
    """No answer says that something went wrong."""
    if response.status_code >= 500 and response.json()["code"] not in NO_FAULTS:
        raise AssertionError(f"{response.status_code}: {response.text[:500]}")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Have the request be about what is there, two times of three, and be no repetition."""
    turn = next(_turns)
    path = case.path_parameters
    for part in ("room", "subscription", "hook", "token"):
        # A thing that is deleted would be there for nobody else.
        if part in path and turn % 3 and (part == "room" or case.method != "DELETE"):
            path[part] = KNOWN[part]
    if isinstance(path.get("seq"), int) and turn % 3:
        path["seq"] = path["seq"] % 5 + 1
    if isinstance(path.get("user"), str):
        path["user"] = _own(path["user"])
    for waits in WAITS.get(case.operation.path, ()):
        given = case.query.get(waits)
        if given is None or (isinstance(given, int) and given > 0):
            case.query[waits] = 0
    body = case.body
    if isinstance(body, dict):
        _change(case.operation.path, body, turn)
    if _is_client_id(case.headers.get("Idempotency-Key")):
        case.headers["Idempotency-Key"] = f"{KNOWN['user']}-{turn}"


def _change(path: str, body: dict[str, Any], turn: int) -> None:
    if isinstance(body.get("user"), str) and body["user"]:
        body["user"] = _own(body["user"])
    if _is_client_id(body.get("client_id")):
        body["client_id"] = f"{KNOWN['user']}-{turn}"
    if body.get("archived") is True:
        body["archived"] = False  # an archived room refuses all that follows
    if path == "/v1/moderation/rules" and isinstance(body.get("source"), str):
        body["source"] += "\n[a mistake, or these rules were active for all"


def _own(user: str) -> str:
    """A user of this run: nobody else is muted, banned, or loses a token."""
    return f"{KNOWN['user']}-{user}"[: max(64, len(user))]


def _is_client_id(value: Any) -> bool:
    return (
        isinstance(value, str) and 0 < len(value) <= 64 and value.isascii() and value.isprintable()
    )
