"""A consumer group is declared once, within a worker's context."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import ParleyError
from app.settings import Settings
from app.stream.consumer_groups import (
    OwnGroup,
    StrictGroup,
    WorkerContext,
    declared_topics,
    own_topic,
)
from app.stream.groups import ARCHIVE, OWN, Group

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def context(tmp_path: Path) -> WorkerContext:
    return WorkerContext(Settings(data=tmp_path, worker="w", partitions=4))


def test_a_group_that_is_declared_again_is_the_same_app(context: WorkerContext) -> None:
    app = context.group(Group("mine"))
    assert context.group(Group("mine")) is app
    assert isinstance(app, OwnGroup)
    assert context.groups == {"mine": app}


def test_a_group_has_the_settings_of_its_context(context: WorkerContext, tmp_path: Path) -> None:
    app = context.group(ARCHIVE)
    assert isinstance(app, StrictGroup)
    assert app.context.settings.partitions == app.conf.topic_partitions == 4
    assert app.conf.datadir == tmp_path / "workers" / "w" / "archive"
    assert app.conf.consumer_group_instance_id == "w-archive"


@pytest.mark.parametrize(
    "other", [Group("mine", strict=True), Group("mine", low_latency=False)], ids=str
)
def test_a_group_with_other_properties_is_refused(context: WorkerContext, other: Group) -> None:
    context.group(Group("mine"))
    with pytest.raises(ParleyError, match="the consumer group mine is declared twice: strict=F"):
        context.group(other)


@pytest.mark.parametrize("name", OWN)
def test_a_group_of_parleys_is_not_redeclared(context: WorkerContext, name: str) -> None:
    with pytest.raises(ParleyError, match=f"the consumer group {name} is declared twice"):
        context.group(Group(name))


@pytest.mark.parametrize("module", ["agents.archive", "tables.rooms"])
def test_agents_and_tables_are_not_imported_outside_a_worker(module: str) -> None:
    tried = subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        capture_output=True,
        text=True,
        cwd=_ROOT,
        check=False,
    )
    assert tried.returncode == 1
    assert "declare their consumer groups in a worker" in tried.stderr.splitlines()[-1]


def test_a_second_context_in_a_process_is_refused() -> None:
    code = (
        "from app.settings import Settings\n"
        "from app.stream.consumer_groups import activate, group\n"
        "context = activate(Settings())\n"
        "assert group('mine') is context.groups['mine']\n"
        "activate(Settings())\n"
    )
    tried = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=_ROOT, check=False
    )
    assert "this process has a worker's context already" in tried.stderr.splitlines()[-1]


def test_a_topic_of_ones_own_is_created_by_the_worker_of_its_group(context: WorkerContext) -> None:
    mine, other = context.group(Group("mine")), context.group(Group("other"))
    own_topic(mine, "votes", days=30)
    [declared] = declared_topics([mine, other])
    assert declared.name == "votes"
    assert declared.config == {"cleanup.policy": "delete", "retention.ms": "2592000000"}
    for name in ("chat.votes", "parley-votes"):
        with pytest.raises(ParleyError, match="one of Parley's"):
            own_topic(mine, name)
