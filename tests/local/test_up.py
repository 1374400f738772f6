from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from app.embedded.ports import free_port
from app.metrics.catalogue import OF_EDGE, OF_VERIFY, OF_WORKER
from tests.support.chat import until
from tests.support.processes import children
from tests.support.running_up import RunningUp

pytestmark = pytest.mark.timeout(400)


async def ask(
    up: RunningUp, user: str, path: str, body: dict[str, str] | None = None
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {up.token(user)}", "Prefer": "wait=5"}
    method = "GET" if body is None else "POST"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{up.url}{path}", json=body) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def texts(up: RunningUp, user: str) -> list[str]:
    status, page = await ask(up, user, "/v1/rooms/lobby/messages")
    assert status == 200, page
    return [event["text"] for event in page["messages"]]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    """One `parley up`, shared by the tests that leave it running.

    It has an unusual folder, whose letters a JVM does not know by itself, and listens everywhere.
    """
    data = tmp_path_factory.mktemp("up") / "Käse, 50%3F? #1 = 数据 'and' more"
    environ = {"PARLEY_HOST": "::", "LC_ALL": "POSIX"}
    running = RunningUp(data, "--verify", "--port", str(free_port()), **environ)
    try:
        yield running.wait_ready()
    finally:
        running.end(signal.SIGKILL)


def test_nobody_else_reads_what_is_kept(up: RunningUp) -> None:
    """Nor what Kafka, Valkey, the worker and the history store keep."""
    made = [up.data, *up.data.rglob("*")]
    assert {"history.db", "kafka", "valkey", "secret"} <= {path.name for path in made}
    modes = {str(path): path.lstat().st_mode & 0o077 for path in made if path.exists()}
    assert {path: oct(mode) for path, mode in modes.items() if mode} == {}


async def test_the_links_let_two_people_into_one_room(up: RunningUp) -> None:
    async with aiohttp.ClientSession() as session, session.get(up.url) as page:
        assert page.status == 200
        assert page.content_type == "text/html"
    status, said = await ask(up, "ann", "/v1/rooms/lobby/messages", {"text": "hello ben"})
    assert status == 201, said
    assert "hello ben" in await texts(up, "ben")


async def test_an_edge_on_all_addresses_is_reached_by_ipv4_and_ipv6(up: RunningUp) -> None:
    port = urlsplit(up.url).port
    async with aiohttp.ClientSession() as session:
        for host in ("127.0.0.1", "[::1]"):
            async with session.get(f"http://{host}:{port}/readyz") as answer:
                assert answer.status == 200


async def test_each_process_has_its_metrics_where_it_says(up: RunningUp) -> None:
    (line,) = re.findall("^For Prometheus: (.*)$", up.said, re.MULTILINE)
    names = [await until(lambda url=url: metrics_at(url), lambda: up.said) for url in line.split()]
    assert names == [{one.name for one in part} for part in (OF_WORKER, OF_EDGE, OF_VERIFY)]
    assert (up.data / "logs" / "verify.log").exists()


async def metrics_at(url: str) -> set[str]:
    """The metrics there; none while the process starts."""
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(url) as answer:
                return set(re.findall(r"# TYPE (parley_\w+)", await answer.text()))
        except aiohttp.ClientError:
            return set()


def test_everything_is_kept_in_the_folder(up: RunningUp) -> None:
    assert (up.data / "history.db").exists()
    assert (up.data / "kafka" / "data" / "meta.properties").exists()
    assert (up.data / "valkey" / "appendonlydir").is_dir()
    assert [path.name for path in up.data.parent.glob("*") if path.is_dir()] == [up.data.name]


def test_a_second_up_on_the_same_data_is_refused(up: RunningUp) -> None:
    refused = up.parley("up")
    assert refused.returncode == 1
    assert "running on" in refused.stderr
    assert up.process.poll() is None


async def test_other_commands_find_what_up_runs(up: RunningUp) -> None:
    told = up.parley("doctor")
    assert told.returncode == 0, told.stdout
    assert f"ready at {up.url}" in told.stdout
    token = up.parley("token", "ben").stdout.strip()
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
        session.get(f"{up.url}/v1/rooms/lobby/messages") as answer,
    ):
        assert answer.status == 200


async def test_up_begins_with_a_backup(up: RunningUp, tmp_path: Path) -> None:
    status, said = await ask(up, "ann", "/v1/rooms/lobby/messages", {"text": "to be kept"})
    assert status == 201, said
    told = up.parley("backup", str(tmp_path / "backup"))
    assert told.returncode == 0, told.stderr
    restore = ("--restore", str(tmp_path / "backup"))
    options = ("--port", str(free_port()), *restore)
    another = RunningUp(tmp_path / "data", *options, PARLEY_HOST="::1")
    try:
        assert another.wait_ready().url.startswith("http://[::1]:")
        assert "to be kept" in await texts(another.wait_ready(), "ben")
    finally:
        another.end(signal.SIGKILL)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("The worker", "app.cli worker"),
        ("The edge", "app.cli edge"),
        ("Valkey", "valkey-server"),
        ("Kafka", "kafka.Kafka"),
    ],
)
async def test_a_killed_part_comes_back_and_sends_go_on(
    up: RunningUp, name: str, command: str
) -> None:
    os.kill(up.child(command), signal.SIGKILL)
    up.wait_said(f"{name} is started again")
    text = f"after {name}"
    await until(lambda: sent(up, text), lambda: up.said)

    async def told() -> bool:
        status, page = await ask(up, "ben", "/v1/rooms/lobby/messages")
        return status == 200 and any(event["text"] == text for event in page["messages"])

    await until(told, lambda: up.said)
    assert (await texts(up, "ben")).count(text) == 1


async def sent(up: RunningUp, text: str) -> bool:
    """Whether the message has its number; sent again under the same name otherwise."""
    message = {"text": text, "client_id": text.replace(" ", "-")}
    try:
        status, _ = await ask(up, "ann", "/v1/rooms/lobby/messages", message)
    except aiohttp.ClientError:
        return False
    return status in {200, 201}


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_starts_stops_what_has_started(
    tmp_path: Path, by: signal.Signals
) -> None:
    starting = RunningUp(tmp_path / "data", "--port", str(free_port()))
    starting.wait_said("Kafka on")
    assert starting.end(by) == 0
    assert "Stopped." in starting.said


async def test_what_was_said_is_there_after_a_restart(tmp_path: Path) -> None:
    first = RunningUp(tmp_path / "data", "--port", str(free_port())).wait_ready()
    status, said = await ask(first, "ann", "/v1/rooms/lobby/messages", {"text": "keep this"})
    assert status == 201, said
    assert len(children(first.process.pid)) == 4
    assert first.end(signal.SIGTERM) == 0
    second = RunningUp(tmp_path / "data", "--port", str(free_port())).wait_ready()
    assert await texts(second, "ben") == ["keep this"]
    second.end(signal.SIGKILL)


def test_a_port_that_was_asked_for_and_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = RunningUp(tmp_path / "data", "--port", str(port))
        assert refused.process.wait(60) == 1
    assert f"port {port} is taken; give another one with --port" in refused.said
    assert not children(refused.process.pid)
