from __future__ import annotations

import re

from app.stream import groups
from app.topics import TOPICS
from tests.docs.markdown import ROOT

OPERATING = (ROOT / "docs" / "operating.md").read_text()


def test_every_topic_is_there() -> None:
    listed = re.findall(r"^\| `(chat\.\w+)` \|", OPERATING, re.MULTILINE)
    assert listed == [topic.name for topic in TOPICS]


def test_every_agent_is_there_with_its_group() -> None:
    listed = {
        (agent, group)
        for group, agents in re.findall(r"^\| `parley-(\w+)` \| (.*?) \|", OPERATING, re.MULTILINE)
        for agent in re.findall(r"`(\w+)`", agents)
    }
    found = set()
    for file in (ROOT / "agents").glob("*.py"):
        for constant in re.findall(r"group\((?:groups\.)?([A-Z_]+)\)", file.read_text()):
            found.add((file.stem, getattr(groups, constant).name))
    assert listed == found
