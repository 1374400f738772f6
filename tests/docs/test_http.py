from __future__ import annotations

import re

import pytest
from aiohttp import web

from tests.docs.markdown import ROOT, steps
from tests.docs.terminal import Terminal
from web.api.routes import add_routes

HTTP = ROOT / "docs" / "http.md"


@pytest.mark.timeout(180)
async def test_the_examples_show_what_the_page_says(terminal: Terminal) -> None:
    await terminal.follow(steps(HTTP))


def test_every_path_of_the_edge_is_there() -> None:
    app = web.Application()
    add_routes(app)
    served = {
        f"{route.method} {route.resource.canonical}"
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    described = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /[^`?]*)[`?]", HTTP.read_text()))
    assert {path for path in served if "/static/" not in path} <= described
    assert described - served <= {"GET /static/…"}
