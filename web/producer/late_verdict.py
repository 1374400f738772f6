"""Late verdicts: a command that was answered with 202, and was refused or held later."""

from __future__ import annotations

from typing import Any

import orjson
from msgspec import to_builtins

from app.events import Verdict


def late_verdict(verdict: Verdict) -> bytes | None:
    """The state for the sender's streams; `None` where the command became an event.

    The state is not kept. A client that missed it gets the verdict again by a repetition under the
    same client id.
    """
    refusal = verdict.refusal
    if refusal is None and not verdict.held:
        return None
    state: dict[str, Any] = {"kind": "verdict", "room": verdict.room, "id": verdict.id}
    state["client_id"] = verdict.client_id
    if refusal is None:
        state["status"] = "held"
    else:
        state |= {"status": "refused", "code": refusal.code, "detail": refusal.reason}
    if verdict.ruling is not None:
        state["verdict"] = to_builtins(verdict.ruling)
    return orjson.dumps(state)
