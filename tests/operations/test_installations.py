"""`parley doctor` on a machine with several installations: whose it is that answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.delivery.valkey import connect
from app.deployment.installation import Installation, record, recorded
from app.deployment.topic import read_deployment
from app.history.store import History
from app.kafka.partition_reader import PartitionReader
from app.local.occupants import broker_at, of_edge, of_valkey, whose
from app.operations.doctor import Finding, State, check_services
from app.settings import Settings
from tests.support.chat import Chat, until

#: The deployment of another data folder on the same machine.
OTHER = "0" * 32
NAMED = frozenset({"broker", "redis", "port", "history"})


async def deployment(chat: Chat) -> str:
    async with PartitionReader(chat.settings) as reader:
        return (await read_deployment(reader)).id


async def found(settings: Settings, named: frozenset[str]) -> dict[str, Finding]:
    return {one.what: one for one in await check_services(settings, named)}


@pytest.fixture
async def chat(shared_chat: Chat) -> Chat:
    """The shared chat, once all of its parts have said whose they are."""

    async def all_said() -> bool:
        history = History(shared_chat.settings.history_url)
        said = (await of_valkey(shared_chat.settings.redis), await history.deployment())
        await history.close()
        return all(said)

    await until(all_said)
    return shared_chat


@pytest.fixture
def own(chat: Chat) -> Settings:
    """The settings of the chat, with the port at which its edge really is."""
    return replace(chat.settings, port=urlsplit(chat.url).port or 0)


async def test_all_parts_of_an_installation_are_its_own(chat: Chat, own: Settings) -> None:
    assert recorded(own.data).deployment == await deployment(chat)
    told = await found(own, NAMED)
    assert {one.what: one.state for one in told.values() if one.state is not State.OK} == {}
    assert told["deployment"].note.startswith(await deployment(chat))


@pytest.mark.parametrize(("named", "state"), [(NAMED, State.MISSING), (frozenset(), State.NOTE)])
async def test_each_part_of_another_installation_is_told(
    chat: Chat, own: Settings, named: frozenset[str], state: State, tmp_path: Path
) -> None:
    record(tmp_path, Installation(OTHER, "another cluster"))
    theirs = replace(own, data=tmp_path, history=own.history_url)
    told = await found(theirs, named)
    whose = f"another installation's (deployment {await deployment(chat)}, this one is {OTHER})"
    for part in ("Kafka", "Valkey", "edge", "history"):
        assert whose in told[part].note
        assert told[part].state is (State.MISSING if part == "history" else state)
    assert "topics" not in told


async def test_a_kafka_that_no_setting_names_is_not_taken_for_that_of_a_new_data_folder(
    chat: Chat, own: Settings, tmp_path: Path
) -> None:
    told = (await found(replace(own, data=tmp_path), frozenset()))["Kafka"]
    assert told.state is State.NOTE
    assert f"(deployment {await deployment(chat)}, the data folder has begun none)" in told.note
    named = await found(replace(own, data=tmp_path), NAMED)
    assert named["Kafka"].state is State.OK


async def test_a_copy_of_the_deployment_in_another_cluster_is_told(
    chat: Chat, own: Settings, tmp_path: Path
) -> None:
    record(tmp_path, Installation(await deployment(chat), "another cluster"))
    told = (await found(replace(own, data=tmp_path, history=own.history_url), NAMED))["Kafka"]
    assert told.state is State.NOTE
    assert "while the data folder was last used with another cluster" in told.note


async def test_a_port_in_use_is_told_with_its_owner(chat: Chat, own: Settings) -> None:
    mine = await deployment(chat)
    port = int(own.bootstrap[0].rpartition(":")[2])
    assert await broker_at(own, port) == await of_edge(chat.url) == mine
    assert whose("a Kafka", mine, mine) == " by a Kafka of this installation"
    assert whose("a Kafka", mine, OTHER).startswith(" by a Kafka that is another installation's (")
    assert whose("a Kafka", mine, "") == f" by a Kafka of deployment {mine}"
    assert whose("a Kafka", None, mine) == ""


async def test_an_emptied_valkey_is_the_installations_again(chat: Chat) -> None:
    redis = connect(chat.settings.redis)
    await redis.delete("deployment")
    await redis.aclose()

    async def said() -> bool:
        return await of_valkey(chat.settings.redis) == await deployment(chat)

    await until(said)


def test_a_data_folder_that_comes_to_another_deployment_says_so(tmp_path: Path) -> None:
    assert recorded(tmp_path / "none") == Installation()
    assert record(tmp_path, Installation("a", "k")) == ""
    assert record(tmp_path, Installation("a", "l")) == ""
    assert "deployment b, this one is a" in record(tmp_path, Installation("b", "l"))
    assert recorded(tmp_path) == Installation("b", "l")
