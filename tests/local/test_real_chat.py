"""The chat that `parley.testing` runs for the tests of an agent, as the tutorial shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.operations.agent_template import write_agent
from tests.docs.markdown import ROOT, blocks


@pytest.mark.timeout(280)
def test_an_agent_is_tried_in_a_chat_of_its_own(tmp_path: Path) -> None:
    write_agent(tmp_path / "my_agents", "greeter")
    test = tmp_path / "test_for_real.py"
    test.write_text(blocks(ROOT / "docs" / "agents.md", "python")[3])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test.name]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "1 passed" in told.stdout, told.stdout + told.stderr
