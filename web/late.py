"""Telling those who were answered with 202 that their wish was refused, or is held, after all."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
from msgspec import to_builtins

from app.delivery.view import View
from app.events import Verdict
from app.patience import AWAY


async def tell_late(view: View, verdict: Verdict) -> None:
    """Tell all of the sender's devices, if there is something to tell.

    A wish that got its place is told by its event. Nobody keeps this: who misses it is told when
    they send again under the same client id.
    """
    refusal = verdict.refusal
    if refusal is None and not verdict.held:
        return
    state: dict[str, Any] = {"kind": "verdict", "room": verdict.room, "id": verdict.id}
    state["client_id"] = verdict.client_id
    if refusal is None:
        state["status"] = "held"
    else:
        state |= {"status": "refused", "code": refusal.code, "detail": refusal.reason}
    if verdict.ruling is not None:
        state["verdict"] = to_builtins(verdict.ruling)
    with suppress(*AWAY):
        await view.tell(verdict.by, orjson.dumps(state))
