"""Ends a worker of which a group stands still, so that its supervisor starts it afresh.

What waits for Valkey or the history store does not stand still: a new process would wait just the
same, and take the other groups with it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping

import faust
import structlog
from aiokafka.errors import KafkaError

from app.domain.stalled import Sight, Standing, standing
from app.runtime.heartbeat import pulse
from app.stream.consumer_groups import OwnGroup
from app.stream.fail_stop import EXIT_DOUBT
from app.worker.health_server import COMING, state

log = structlog.get_logger()

#: Looks before a group is given up: one alone may fall into a pause of the whole machine.
_LOOKS = 12
_ANSWER_SECONDS = 5.0


async def watch(apps: Mapping[str, faust.App], patience: float) -> None:
    """Look after the groups; ends the process where one stands still for `patience` seconds.

    Groups of one's own on plain Faust are let be: how long an agent takes is its author's matter.
    """
    standings: dict[str, Standing] = {}
    while True:
        await asyncio.sleep(patience / _LOOKS)
        for name, app in apps.items():
            if isinstance(app, OwnGroup):
                continue
            now = time.monotonic()
            standings[name] = standing(standings.get(name), await _look(app), now)
            if now - standings[name].since >= patience:
                log.critical(
                    "group stands still, the process ends",
                    group=name,
                    state=state(app),
                    seconds=round(now - standings[name].since),
                )
                os._exit(EXIT_DOUBT)


async def _look(app: faust.App) -> Sight:
    signs = pulse(app.conf.id)
    if state(app) in COMING:
        # It has no offsets yet. `app/stream/changelog_reader.py` reads the changelogs, and beats.
        return Sight((signs.beats,), owes=True)
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            logs = app.tables.changelog_topics  # no positions of theirs here
            places = sorted(p for p in app.consumer.assignment() if p.topic not in logs)
            reached = [await app.consumer.position(place) for place in places]
            ends = await app.consumer.highwaters(*places) if places else {}
    except (KafkaError, TimeoutError):
        return Sight((signs.beats,), owes=bool(signs.busy))
    there = dict(zip(places, reached, strict=True))
    behind = any((there[place] or 0) < end for place, end in ends.items())
    return Sight((signs.beats, *reached), owes=bool(signs.busy) or behind)
