"""The examples of the documentation, played as a newcomer would test them."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from app.agentkit.agent_files import agent_files, find_agent, scan
from app.agentkit.declaration import Agent
from app.agentkit.play import play
from app.errors import ParleyError
from app.events import AddReaction, Connection
from app.operations.agent_template import write_agent
from tests.docs.markdown import ROOT, blocks

EXAMPLES = ROOT / "examples"
FILES = [file for file in agent_files(str(EXAMPLES)) if not file.is_plain]


def example(name: str) -> Agent[object]:
    file = scan(EXAMPLES / f"{name}.py")
    [agent] = file.agents
    return find_agent(file.path, agent)


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_AGENT_BRIDGE_URL", "http://127.0.0.1:9/")


def test_no_example_has_a_mistake() -> None:
    assert not [file.mistake for file in FILES if file.mistake]


def test_the_reply_bot_has_at_most_ten_lines_and_answers() -> None:
    lines = (EXAMPLES / "reply_bot.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 10
    played = play(example("reply_bot"), "ann: /echo hello there", "ann: hello")
    assert played.said == ["hello there"]


def test_a_keyword_is_told_in_another_room() -> None:
    played = play(example("keyword_alert"), "ann: Kafka is down", "ann: all is well")
    assert played.said == ["ann in room: Kafka"]


def test_karma_is_counted_and_nobody_praises_themselves() -> None:
    played = play(example("karma"), "ann: ben++", "eva: thanks ben++", "ben: ben++", "ann: /karma")
    assert played.said == ["ben has 1", "ben has 2", "ben: 2"]
    assert played.table == {"ben": 2}
    assert [one.emoji for one in played.commands if isinstance(one, AddReaction)] == ["🙈"]


def test_a_reminder_comes_when_it_is_due() -> None:
    played = play(example("reminder"), "ann: /remind 10 tea", timedelta(minutes=10, seconds=5))
    assert played.said == ["@ann tea"]


def test_a_digest_comes_in_the_evening_and_begins_anew() -> None:
    lines = ["ann: a", "ben: b", "ann: c", timedelta(hours=10), timedelta(days=1), "ann: d"]
    played = play(example("digest"), *lines)
    assert played.said == ["Today\nann: 2\nben: 1"]
    assert played.table == {"ann": 1}


def test_a_bridge_passes_every_message_on() -> None:
    passed: list[str] = []

    def post(message: dict[str, str]) -> None:
        passed.append(message["text"])

    play(example("bridge"), "ann: a", "ben: b", answers={"post": post}, crashes=False)
    assert passed == ["a", "b", "a", "b"]  # the second time with each event doubled


def test_a_person_is_welcomed_once() -> None:
    opened = Connection(
        user="eva", what="opened", edge="e", connection="1", transport="sse", at_ms=0
    )
    assert play(example("welcome"), opened, opened).said == ["Welcome, @eva!"]


def test_the_tutorial_shows_karma_as_it_is_and_a_test_that_passes() -> None:
    karma, _, test, _ = blocks(ROOT / "docs" / "agents.md", "python")
    assert karma == (EXAMPLES / "karma.py").read_text()
    names: dict[str, object] = {}
    exec(test.replace("examples/", f"{EXAMPLES}/"), names)
    names["test_a_reminder_comes_when_it_is_due"]()  # type: ignore[operator]


def test_the_agent_that_the_command_writes_passes_its_own_test(tmp_path: Path) -> None:
    [agent, test] = write_agent(tmp_path, "my-greeter")
    assert scan(agent).agents.keys() == {"my-greeter"}
    told = subprocess.run([sys.executable, "-m", "pytest", "-q", test], capture_output=True)
    assert told.returncode == 0, told.stdout
    with pytest.raises(ParleyError, match="is there already"):
        write_agent(tmp_path, "my-greeter")
    with pytest.raises(ParleyError, match="an agent's name"):
        write_agent(tmp_path, "My Greeter")
