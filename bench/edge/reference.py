"""aiohttp alone, answering the same requests: the speed of plain Python on this machine.

Goals that are a number a second were set on a machine where this answers 22,900 a core-second.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import orjson
import uvloop
from aiohttp import web

from app.embedded.child import Child
from app.embedded.ports import free_port, listens

_TOKEN = re.compile(r"Bearer ([\w.-]+)")
_known: dict[str, str] = {}


async def answer(request: web.Request) -> web.Response:
    """A message, with nothing done about it."""
    found = _TOKEN.fullmatch(request.headers["Authorization"])
    assert found is not None
    by = _known.setdefault(found[1], "somebody")
    body = orjson.loads(await request.read())
    told = {"room": request.match_info["room"], "by": by, "text": body["text"], "n": 1}
    return web.Response(status=201, body=orjson.dumps(told), content_type="application/json")


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    app = web.Application()
    app.router.add_post("/v1/rooms/{room}/messages", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[tuple[int, int]]:
    """The server in a process of its own: its port, and its pid."""
    port = free_port()
    command = [sys.executable, "-m", "bench.edge.reference", str(port)]
    child = Child(command, folder / "reference.log", {})
    try:
        await child.up("aiohttp", partial(listens, port), 30, child.tail)
        yield port, child.pid
    finally:
        await child.stop()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
