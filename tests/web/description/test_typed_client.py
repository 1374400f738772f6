"""The client of docs/api-description.md, generated from an edge and compiled."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks
from tests.support.chat import Chat
from tests.web.description.npm import install, run

PAGE = ROOT / "docs" / "api-description.md"


@pytest.mark.slow
@pytest.mark.timeout(250)
async def test_the_client_of_the_page_is_typed_and_sends(chat: Chat, tmp_path: Path) -> None:
    commands, compiling = blocks(PAGE, "console")
    packages = re.findall(r"\S+@\d\S*", commands)
    assert len(packages) == 4
    await asyncio.to_thread(install, tmp_path, *packages)
    (client,) = blocks(PAGE, "ts")
    (tmp_path / "client.mts").write_text(client)
    for line in (commands.splitlines()[1], compiling.splitlines()[0]):
        words = line.replace("http://127.0.0.1:8080", chat.url).split()
        await asyncio.to_thread(run, tmp_path, *words)
    told = await asyncio.to_thread(run, tmp_path, "node", "client.mjs", chat.token("ann"), chat.url)
    assert told == "201 Hello\n"
    wrong = client.replace('type: "public"', 'type: "secret"')
    (tmp_path / "client.mts").write_text(wrong)
    with pytest.raises(AssertionError, match='"secret"'):
        await asyncio.to_thread(run, tmp_path, *compiling.splitlines()[0].split())
