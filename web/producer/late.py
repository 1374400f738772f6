"""What is told to those who were answered with 202, where their wish was refused or held later."""

from __future__ import annotations

from typing import Any

import orjson
from msgspec import to_builtins

from app.events import Verdict


def late(verdict: Verdict) -> bytes | None:
    """The state for all of the sender's devices; `None` for a wish that its event tells of.

    Nobody keeps it: who misses it is told when they send again under the same client id.
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
