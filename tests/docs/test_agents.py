"""The agent that docs/faust-agents.md shows, in a worker of its own."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from app.domain.versioned_value import unwrap
from app.kafka.partition_reader import PartitionReader
from app.topics import changelog, partition_of
from tests.docs.markdown import ROOT, blocks
from tests.support.chat import Chat, until
from tests.support.person import Person

NAME = "counting"


@pytest.mark.timeout(180)
async def test_its_count_adds_up_though_it_is_killed(chat: Chat, tmp_path: Path) -> None:
    (source,) = blocks(ROOT / "docs" / "faust-agents.md", "python")
    (tmp_path / "counts.py").write_text(source)
    worker = chat.start_worker(NAME, agents=str(tmp_path), only="counts")
    try:
        async with Person(chat, "ann") as ann:
            room = await ann.open_room()
            for said in range(1, 31):
                await ann.say(room, f"{said}")
                if said % 10 == 0:
                    await until(lambda said=said: _counted(chat, room, said), worker.tail)
                    worker.kill()
                    worker = chat.start_worker(NAME, agents=str(tmp_path), only="counts")
            await ann.say(room, "at last")
            await until(lambda: _counted(chat, room, 31), worker.tail)
    finally:
        await worker.stop()


async def _counted(chat: Chat, room: str, messages: int) -> bool:
    """Whether the table says that the room has so many messages."""
    topic = changelog("parley-counts", "counts").name
    partition = partition_of(room, chat.settings.partitions)
    async with PartitionReader(chat.settings) as reader:
        found = [r.value async for r in reader.read(topic, partition, 0) if r.key == room.encode()]
    return (
        bool(found)
        and msgspec.msgpack.decode(unwrap(found[-1]).payload or b"")["messages"] == messages
    )
