"""The edge's parts that need no pipeline: an HTTP server of some, and a door that polls come to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from types import ModuleType

import msgspec
import pytest
import uvloop
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.domain import names
from app.embedded.valkey import Valkey
from app.errors import Unreachable
from app.runtime.dev_tokens import mint
from app.settings import Settings
from tests.conftest import SECRET
from tests.web.support.polling import Door, door
from tests.web.support.scene import Scene, scene_at
from web.api import stream_tickets as tickets
from web.api.callers import authenticate, limit_middleware
from web.api.services import AUTHENTICATOR, LIMITS, SETTINGS
from web.auth.authenticator import Authenticator
from web.http.cors import add_cors
from web.http.problem import problem_middleware
from web.http.query_parameters import WholeNumber
from web.http.request_body import checked, read_body
from web.http.request_params import client_id
from web.limits.limits import Limits
from web.native.loader import built
from web.server.listener import app_runner

Client = TestClient[web.Request, web.Application]
Serve = Callable[[Settings], Awaitable[Client]]
Try = Callable[[Callable[[Door], Awaitable[None]]], Awaitable[None]]


class Note(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    client_id: str | None = None


async def whoami(request: web.Request) -> web.Response:
    identity = await authenticate(request)
    return web.json_response({"user": identity.user, "admin": identity.admin})


async def stream(request: web.Request) -> web.Response:
    identity = await request.app[AUTHENTICATOR].stream(request.headers, request.query)
    return web.json_response({"user": identity.user, "expires_at": identity.expires_at})


async def note(request: web.Request) -> web.Response:
    body = await read_body(request, Note)
    checked("text", names.room_name, body.text)
    return web.json_response({"text": body.text, "client_id": client_id(request, body.client_id)})


async def page(request: web.Request) -> web.Response:
    before, limit = WholeNumber("before_seq", ""), WholeNumber("limit", "", 1, 200)
    numbers = before.of(request.query), limit.of(request.query)
    return web.json_response(numbers)


async def broken(request: web.Request) -> web.Response:
    raise {"unreachable": Unreachable("kafka:9092"), "bug": KeyError("a secret of ours")}[
        request.match_info["how"]
    ]


class Server(TestServer):
    async def _make_runner(self, **_: object) -> web.AppRunner:
        return app_runner(self.app)


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Client]:
    app = web.Application(middlewares=[problem_middleware], client_max_size=settings.body_limit)
    add_cors(app, settings.origins)
    app[SETTINGS] = settings
    app[AUTHENTICATOR] = Authenticator(settings)
    app[LIMITS] = Limits(settings)
    app.middlewares.insert(0, limit_middleware)
    tickets.add_routes(app)
    app.router.add_get("/whoami", whoami)
    app.router.add_get("/stream", stream)
    app.router.add_post("/notes", note)
    app.router.add_get("/pages", page)
    app.router.add_get("/broken/{how}", broken)
    server = Server(app)
    async with TestClient(server) as client:
        yield client
    await app[AUTHENTICATOR].close()


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers with given settings, and stops them after the test."""
    running = []

    async def start(settings: Settings) -> Client:
        context = serving(settings)
        client = await context.__aenter__()
        running.append(context)
        return client

    yield start
    for context in running:
        await context.__aexit__(None, None, None)


@pytest.fixture
async def client(serve: Serve) -> Client:
    """A client of a server with a secret of its own and small limits."""
    return await serve(Settings(secret=SECRET, body_limit=1024))


@pytest.fixture
def bearer() -> dict[str, str]:
    """The header of somebody with a good token."""
    return {"Authorization": f"Bearer {mint(Settings(secret=SECRET), 'alice')}"}


@pytest.fixture
async def scene(apart: Valkey) -> AsyncIterator[Scene]:
    """A hub with one reader in two rooms."""
    async with scene_at(apart.url) as scene:
        yield scene


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    found: Callable[[], asyncio.AbstractEventLoop] = request.param
    return found


@pytest.fixture(params=["C", "Python"])
def served(
    request: pytest.FixtureRequest,
    loop: Callable[[], asyncio.AbstractEventLoop],
    settings: Settings,
    apart: Valkey,
) -> Try:
    """Runs a test against a door of its own, in a loop of its own."""
    native = built("_polls") if request.param == "C" else None
    if native is None and request.param == "C":
        pytest.skip("set up without a C compiler")
    return _trying(replace(settings, redis=apart.url), native, loop)


@pytest.fixture
def served_once(settings: Settings, apart: Valkey) -> Try:
    """As `served`, for what is the same in C and in Python: as an edge serves by default."""
    return _trying(replace(settings, redis=apart.url), built("_polls"), uvloop.new_event_loop)


def _trying(
    settings: Settings, native: ModuleType | None, loop: Callable[[], asyncio.AbstractEventLoop]
) -> Try:
    async def attempt(test: Callable[[Door], Awaitable[None]]) -> None:
        async with door(settings, native) as opened:
            await test(opened)

    async def apart_from_here(test: Callable[[Door], Awaitable[None]]) -> None:
        def run() -> None:
            with asyncio.Runner(loop_factory=loop) as runner:
                runner.run(attempt(test))

        await asyncio.to_thread(run)

    return apart_from_here
