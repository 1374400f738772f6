"""The metrics of a running worker and edge, the shared ones: other tests count there, too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from prometheus_client.core import Metric as Family

from app.metrics.catalogue import OF_EDGE, OF_WORKER
from app.metrics.metric import Metric
from tests.metrics.scraped import scrape, value
from tests.support.chat import Chat, until
from tests.support.listener import Listener
from tests.support.person import Person

ROOMS = 40


def shapes(families: Sequence[Family]) -> dict[str, tuple[str, set[str]]]:
    """Each metric's type and labels."""
    return {
        family.name: (
            family.type,
            {label for sample in family.samples for label in sample.labels if label != "le"},
        )
        for family in families
    }


def declared(metrics: Sequence[Metric]) -> dict[str, tuple[str, set[str]]]:
    return {one.name.removesuffix("_total"): (one.kind, set(one.labels)) for one in metrics}


async def test_worker_and_edge_expose_what_the_catalogue_declares(chat: Chat) -> None:
    worker, edge = chat.metrics
    async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
        room = await ann.open_room()
        await ann.say(room, "hello")
        await listener.until(lambda: any(e.get("text") == "hello" for e in listener.events))
        assert shapes(await scrape(worker)) == declared(OF_WORKER)
        assert shapes(await scrape(edge)) == declared(OF_EDGE)


async def test_a_message_is_counted_at_each_station(chat: Chat) -> None:
    worker, edge = chat.metrics
    before = [*await scrape(worker), *await scrape(edge)]
    async with Person(chat, "ann") as ann, Listener(chat, "ann") as listener:
        room = await ann.open_room()
        await ann.say(room, "hello", client_id="once")
        await ann.say(room, "hello", client_id="once")
        await listener.until(lambda: any(e.get("text") == "hello" for e in listener.events))

    async def counted() -> bool:
        now = [*await scrape(worker), *await scrape(edge)]
        return all(
            (value(now, name, **labels) or 0) >= (value(before, name, **labels) or 0) + more
            for name, labels, more in (
                ("parley_sends_total", {"outcome": "accepted"}, 2),
                ("parley_sends_total", {"outcome": "repeated"}, 1),
                ("parley_send_seconds_count", {}, 3),
                ("parley_verdicts_total", {"outcome": "event"}, 2),
                ("parley_verdicts_total", {"outcome": "repeated"}, 1),
                ("parley_publishes_total", {"outcome": "published"}, 2),
                ("parley_delivered_events_total", {}, 1),
                ("parley_delivery_seconds_count", {}, 1),
                ("parley_streams_ended_total", {"code": "gone"}, 1),
                (
                    "parley_stage_seconds_count",
                    {"group": "parley-fan_out", "topic": "chat.log"},
                    2,
                ),
            )
        )

    await until(counted, chat.workers[0].tail, within=20)


async def test_streams_and_polls_are_told_while_they_are_open(chat: Chat) -> None:
    edge = chat.metrics[1]

    async def told(name: str) -> float:
        return value(await scrape(edge), name) or 0.0

    streams, polls = await told("parley_streams"), await told("parley_polls")

    async def open_are(more: int) -> bool:
        now = await told("parley_streams"), await told("parley_polls")
        return now == (streams + more, polls + more)

    async with Person(chat, "ann") as ann:
        _, answer = await ann.get("/v1/events")
        async with Listener(chat, "ann"):
            poll = asyncio.create_task(ann.get("/v1/events", cursor=answer["cursor"], timeout=20))
            await until(lambda: open_are(1), within=20)
            poll.cancel()
    await until(lambda: open_are(0), within=20)


async def test_more_rooms_and_people_make_no_more_series(chat: Chat) -> None:
    async def series() -> set[tuple[str, frozenset[tuple[str, str]]]]:
        families = [family for address in chat.metrics for family in await scrape(address)]
        return {
            (sample.name, frozenset(sample.labels.items()))
            for family in families
            for sample in family.samples
        }

    names = [f"person{i}" for i in range(ROOMS)]

    async def talk(name: str) -> str:
        async with Person(chat, name) as person:
            room = await person.open_room()
            await person.say(room, "hello")
            return room

    rooms = [await talk(name) for name in names]
    found = await series()
    values = {text for _, labels in found for _, text in labels}
    assert not values & {*rooms, *names}
    # By group, topic and partition at most.
    partitions = chat.settings.partitions
    assert max(len([one for one in found if one[0] == name]) for name, _ in found) < 60 * partitions
