"""pace: `chat.pace` → users who write too much over all rooms are muted everywhere for a while.

Rooms are spread over partitions, so no agent of `chat.raw` sees all messages of a user.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from app.domain.moderation.pace import Pace, after, before, counts
from app.domain.moderation.rule import Facts, Message
from app.domain.sanctions import holds, until
from app.domain.versioned_value import version_of
from app.errors import Malformed
from app.events import Sanctioned, Written, decode_written, encode
from app.kafka.record import Record
from app.moderation.active_rules import ActiveRules, active_rules
from app.stream import groups
from app.stream.batch import Batch
from app.stream.batch_loop import batches
from app.stream.consumer_groups import group, raw_topic
from app.topics import MODERATION, PACE, SANCTIONS, wrong_partition
from tables.paces_everywhere import paces_everywhere as paces

app = group(groups.PACE)
settings = app.context.settings

#: The author of such a mute, which is no user.
PARLEY = "parley"


@app.agent(raw_topic(app, PACE))
async def pace(stream: Any) -> None:
    """Count the messages of each user."""
    active = await active_rules(settings)
    async for batch in batches(stream, (paces,)):
        batch.each(decode_written, partial(_count, active, batch))


def _count(active: ActiveRules, batch: Batch, record: Record, written: Written) -> None:
    if wrong := wrong_partition(written.user, record.partition, settings.partitions):
        raise Malformed(wrong)
    known = paces.read(record.partition, written.user) or Pace()
    place = version_of(batch.origin(record), record.offset)
    if not counts(known, place):
        more = after(known, written.at_ms, src=place)
        paces.write(record.partition, written.user, more, place)
    if holds(active.sanction(written.user), written.at_ms):
        return
    message = Message("", written.user, "", at_ms=written.at_ms)
    facts = Facts(everywhere=before(known, place).times)
    for rule in active.rules.everywhere:
        hit = rule.kind.judge(message, facts, rule.settings)
        if hit is not None:
            muted = Sanctioned(
                id=f"pace-{record.partition}-{record.offset}",
                by=PARLEY,
                at_ms=written.at_ms,
                user=written.user,
                sanction="mute",
                until_ms=until(written.at_ms, int(getattr(rule.settings, "mute", 60))),
                reason=rule.settings.reason or hit.reason,
            )
            for topic in (SANCTIONS, MODERATION):
                batch.send(topic, record, encode(muted))
            return
