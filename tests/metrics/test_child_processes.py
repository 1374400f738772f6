"""A worker's metrics have those of its processes."""

from __future__ import annotations

import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from prometheus_client.core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from app.metrics.child_processes import ChildProcesses, socket_folder
from app.metrics.exposition import Exposition
from app.metrics.metrics_server import serve_metrics
from app.metrics.worker_metrics import WorkerMetrics
from app.settings import Settings
from tests.metrics.files import promtool_reads
from tests.metrics.scraped import value


def counted(group: str, dead: int) -> WorkerMetrics:
    metrics = WorkerMetrics()
    metrics.dead_letters.add(group, times=dead)
    metrics.verdicts.add("event", times=dead)
    metrics.stages.of(group, "chat.log").add(0.1)
    return metrics


def of_agent(group: str, dead: int) -> list[Collector]:
    return counted(group, dead).collectors(pipeline=False, fan_out=False)


def told(text: bytes) -> list[Family]:
    return list(text_string_to_metric_families(text.decode()))


@pytest.fixture
def children(tmp_path_factory: pytest.TempPathFactory) -> ChildProcesses:
    return ChildProcesses(tmp_path_factory.mktemp("s"))


async def test_the_metrics_of_a_process_are_among_those_of_its_worker(
    children: ChildProcesses,
) -> None:
    host = children.host("echo")
    child = Exposition(of_agent("parley-agent-echo", 2))
    mine = Exposition(counted("parley-pipeline", 3).collectors(), children=children)
    async with serve_metrics(Settings(prometheus_host=host), child):
        text = await mine.text()
    families = told(text)
    dead = "parley_dead_letters_total"
    assert value(families, dead, group="parley-pipeline") == 3
    assert value(families, dead, group="parley-agent-echo") == 2
    assert value(families, "parley_verdicts_total", outcome="event") == 3
    memory = "process_resident_memory_bytes"
    assert value(families, memory) is not None
    assert value(families, memory, process="echo") is not None
    assert (
        value(
            families,
            "parley_stage_seconds_bucket",
            group="parley-agent-echo",
            topic="chat.log",
            le="+Inf",
        )
        == 1
    )
    assert text.count(b"# TYPE parley_dead_letters_total ") == 1
    promtool_reads(text)


def test_a_folder_whose_path_is_too_long_for_a_socket_is_not_taken(tmp_path: Path) -> None:
    deep = tmp_path / "".join(["d"] * 100)
    with socket_folder(deep) as folder:
        assert not deep.exists()
        assert len(str(folder)) < len(str(deep))
        assert folder.is_dir()
    assert not folder.exists()


def test_a_worker_has_the_same_folder_at_each_start() -> None:
    with TemporaryDirectory() as short:
        for _ in range(2):
            with socket_folder(Path(short) / "sockets") as folder:
                assert folder == Path(short) / "sockets"
                (folder / "0.sock").touch()


async def test_a_process_that_does_not_answer_is_left_out(children: ChildProcesses) -> None:
    children.host("starting")
    mine = Exposition(counted("parley-pipeline", 3).collectors(), children=children)
    families = told(await mine.text())
    assert value(families, "parley_dead_letters_total", group="parley-pipeline") == 3


async def test_a_process_that_was_killed_leaves_its_socket_to_the_next(
    children: ChildProcesses,
) -> None:
    host = children.host("echo")
    left = socket.socket(socket.AF_UNIX)
    left.bind(host.removeprefix("unix:"))
    left.close()
    child = Exposition(of_agent("parley-agent-echo", 2))
    async with serve_metrics(Settings(prometheus_host=host), child):
        families = told(await Exposition([], children=children).text())
    assert value(families, "parley_dead_letters_total", group="parley-agent-echo") == 2
