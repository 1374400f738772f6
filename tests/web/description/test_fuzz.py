"""Schemathesis on an edge: no request gets a 5xx, or an answer that is not described."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from app.runtime.dev_tokens import mint
from tests.support.chat import Chat
from tests.support.person import Person

HERE = Path(__file__).parent

CHECKS = (
    *("no_fault_of_the_edge", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance", "unsupported_method"),
)

#: What `make fuzz-api` looks at besides: an edge ignores query parameters that it does not know,
#: and schemathesis invents some now and then.
THOROUGH = "negative_data_rejection"

#: It has no end; test_asyncapi.py holds it.
STREAM = "/v1/stream"


async def scene(http: aiohttp.ClientSession, chat: Chat, user: str) -> dict[str, str]:
    """A room with messages, and one of what else a path may name."""
    known = {"user": user}
    async with Person(chat, user) as owner:
        known["room"] = room = await owner.open_room(f"{user}-ben")
        for number in range(5):
            await owner.say(room, f"message {number}")
        _, hook = await owner.post(f"/v1/rooms/{room}/hooks", {})
        known |= {"hook": hook["id"], "token": hook["path"].rpartition("/")[2]}
    async with http.post("/v1/subscriptions", json={}) as answer:
        return known | {"subscription": (await answer.json())["id"]}


async def leave_no_subscriptions(http: aiohttp.ClientSession, user: str) -> None:
    """Remove what would be sent to hosts that nobody has."""
    async with http.get("/v1/subscriptions") as answer:
        all_of_them = (await answer.json())["subscriptions"]
    for one in all_of_them:
        if one["by"] == user:
            await http.delete(f"/v1/subscriptions/{one['id']}")


async def fuzz(chat: Chat, folder: Path, *options: str, checks: tuple[str, ...] = CHECKS) -> None:
    """Run schemathesis with the token of an admin; fails with what it says."""
    user = f"fuzz-{uuid4().hex[:8]}"
    seed = random.randrange(1 << 32)
    headers = {"Authorization": f"Bearer {mint(chat.settings, user, admin=True)}"}
    async with aiohttp.ClientSession(chat.url, headers=headers) as http:
        known = await scene(http, chat, user)
        command = [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{chat.url}/v1/openapi.json", "--exclude-path", STREAM),
            *("--exclude-path", "/v1/operator/events"),
            *("--header", f"Authorization: {headers['Authorization']}"),
            *("--header", "Prefer: wait=2", "--request-timeout", "20"),
            *("--checks", ",".join(checks), "--continue-on-failure"),
            *("--seed", str(seed), "--generation-database", "none", "--no-color", "--no-shrink"),
            *("--warnings", "off", *options),
        ]
        hooks = {"SCHEMATHESIS_HOOKS": "fuzz_hooks", "FUZZ_KNOWN": json.dumps(known)}
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={**os.environ, **hooks, "PYTHONPATH": str(HERE)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await leave_no_subscriptions(http, user)
    assert process.returncode == 0, f"--seed {seed}\n{output.decode()}"


@pytest.mark.timeout(120)
async def test_no_request_gets_an_answer_that_is_not_described(chat: Chat, tmp_path: Path) -> None:
    await fuzz(chat, tmp_path, "--phases", "fuzzing", "--max-examples", "8")


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_no_request_of_thousands_gets_one(chat: Chat, tmp_path: Path) -> None:
    """The edge cases of every field as well; `make fuzz-api`."""
    phases = ("--phases", "examples,coverage,fuzzing", "--max-examples", "100")
    await fuzz(chat, tmp_path, *phases, checks=(*CHECKS, THOROUGH))
