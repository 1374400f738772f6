"""The real parts that tests stand on, started once a run, on free ports, in temporary folders."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

# Its plugin imports it when all is over, and CPython 3.11 may then fail to parse it ("AST
# constructor recursion depth mismatch"), if no test has used it.
import hypothesis
import pytest
from xdist.remote import Producer

from app.embedded.kafka import Kafka
from app.embedded.ports import free_port
from app.embedded.valkey import Valkey
from app.kafka.admin import provision
from app.settings import Settings
from app.topics import TOPICS
from tests.support.agents import bench as bench
from tests.support.agents import buried as buried
from tests.support.agents import read as read
from tests.support.chat import UNHURRIED, Chat, data_folder
from tests.support.described import Description, holding_to_description
from tests.support.own_broker import expiring as expiring
from tests.support.own_broker import own_broker as own_broker
from tests.support.parallel import ByServers
from tests.support.postgres import Postgres, binaries

# In the background of a shell SIGINT is ignored, here and by all that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test is timed: an example that takes 200 ms on a busy machine is no fault.
hypothesis.settings.register_profile("parley", deadline=None)
hypothesis.settings.load_profile("parley")

SECRET = "a secret that only the tests know"


def missing(what: str) -> None:
    """Skip, but fail under CI: there, a part that is not installed is not a test passed."""
    if os.environ.get("CI"):
        pytest.fail(f"missing: {what}")
    pytest.skip(f"missing: {what}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--seed`, which repeats the random choices of a test."""
    parser.addoption("--seed", type=int, help="seed of the random choices")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByServers:
    """With `-n 2`: keep tests together that share servers."""
    return ByServers(config, log)


@pytest.fixture(autouse=True)
def seeded_random(request: pytest.FixtureRequest) -> None:
    """Seed the random choices of each test, and print the seed for a failure's report."""
    given = request.config.getoption("--seed")
    seed = random.SystemRandom().randrange(1 << 32) if given is None else given
    random.seed(seed)
    print(f"random choices: --seed {seed}")


@pytest.fixture(scope="session", autouse=True)
def description() -> Iterator[Description]:
    """Hold each answer that a test gets of an edge to what the edge says of itself."""
    with holding_to_description() as description:
        yield description


@pytest.fixture(scope="session")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kafka]:
    """A broker with Parley's topics, shared by the run: kill one of your own, not this one."""
    async with Kafka(tmp_path_factory.mktemp("kafka")) as broker:
        await provision(Settings(broker=broker.url), TOPICS)
        yield broker


@pytest.fixture(scope="session")
async def valkey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Valkey]:
    """A Valkey, shared by the run: empty or kill one of your own, not this one."""
    async with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
async def apart(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Valkey]:
    """A Valkey that no edge listens to: messages go to all databases of a server alike."""
    async with Valkey(tmp_path_factory.mktemp("apart")) as server:
        yield server


@pytest.fixture
def settings(kafka: Kafka, valkey: Valkey, tmp_path: Path) -> Settings:
    """Settings on the run's broker and Valkey, with a data folder and a port of the test's own."""
    return Settings(
        broker=kafka.url,
        redis=valkey.url,
        data=tmp_path / "data",
        secret=SECRET,
        port=free_port(),
        **UNHURRIED,
    )


@pytest.fixture(scope="session")
async def shared_chat(
    kafka: Kafka, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Chat]:
    """A whole Parley, shared by the run: for fixtures that outlive a test."""
    data = data_folder(tmp_path_factory.mktemp("chat"))
    running = Chat(Settings(broker=kafka.url, redis=valkey.url, data=data, secret=SECRET))
    try:
        await running.start()
        yield running
    finally:
        await running.stop()


@pytest.fixture
async def chat(shared_chat: Chat) -> AsyncIterator[Chat]:
    """The shared Parley: use rooms of your own, stop nothing of it. Edges of a test end with it."""
    there = len(shared_chat.edges)
    yield shared_chat
    await shared_chat.stop_edges(there)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL with an empty database, shared by the run: `postgres.url`."""
    with _postgresql() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the test's own, to stop and start."""
    with _postgresql() as server:
        yield server


@contextmanager
def _postgresql() -> Iterator[Postgres]:
    programs = binaries()
    if programs is None:
        missing("PostgreSQL's server (Debian: apt-get install postgresql)")
        raise AssertionError("unreachable")
    server = Postgres(programs)
    try:
        server.start()
        yield server
    finally:
        server.stop()
