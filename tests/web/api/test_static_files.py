import re
from collections.abc import AsyncIterator
from graphlib import TopologicalSorter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.settings import Settings
from web.api.services import LIMITS
from web.api.static_files import add_routes
from web.limits.limits import Limits
from web.server.listener import hide_version

Client = TestClient[web.Request, web.Application]

STATIC = Path(__file__).parents[3] / "web" / "static"
FILES = [file.relative_to(STATIC).as_posix() for file in STATIC.rglob("*.*")]
# A module, or a worker's script.
IMPORT = re.compile(r'(?:from |new URL\()"(\.[^"]+)"')


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application()
    app[LIMITS] = Limits(Settings(proxies="127.0.0.1"))
    app.on_response_prepare.append(hide_version)
    add_routes(app)
    async with TestClient(TestServer(app)) as client:
        yield client


class Parts(HTMLParser):
    """What the page fetches, and what in it its own policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.fetched += [str(given[name]) for name in ("src", "href") if name in given]
        refused = [name for name in given if name == "style" or name.startswith("on")]
        if refused or tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(f"<{tag} {refused}>")


async def test_pages_fetch_each_file_of_their_folder_and_nothing_else(client: Client) -> None:
    page = Parts()
    for path in ("/", "/operator"):
        page.feed(await (await client.get(path)).text())
    assert page.inline == []
    waiting, seen = list(page.fetched), set[str]()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        answer = await client.get(path)
        assert answer.status == 200, path
        imports = IMPORT.findall(await answer.text())
        paths = {urljoin(path, name) for name in imports}
        waiting += sorted(paths - seen)
    assert seen == {f"/static/{path}" for path in FILES if not path.endswith(".html")}


def test_scripts_import_each_other_in_no_ring() -> None:
    imports = {
        path: {urljoin(path, name) for name in IMPORT.findall((STATIC / path).read_text("utf-8"))}
        for path in FILES
        if path.endswith(".js")
    }
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the ring


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/", "text/html"),
        ("/operator", "text/html"),
        ("/static/css/layout.css", "text/css"),
        ("/static/parley.js", "text/javascript"),
        ("/static/lib/dom.js", "text/javascript"),
    ],
)
async def test_files_come_with_their_type_and_a_strict_policy(
    client: Client, path: str, type_: str
) -> None:
    answer = await client.get(path)
    assert answer.content_type == type_
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    again = await client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/lib/",
        "/static/../pages.py",
        "/static/%2e%2e/pages.py",
        "/static/lib/../../pages.py",
        "/static/lib/%2e%2e/%2e%2e/pages.py",
    ],
)
async def test_nothing_else_is_served(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 404


@pytest.mark.parametrize("path", ["/", "/static/parley.js"])
async def test_the_page_stays_with_tls_once_it_was_asked_for_by_tls(
    client: Client, path: str
) -> None:
    for proto, kept in (("https", True), ("http", False), ("https, http", False), ("", False)):
        answer = await client.get(path, headers={"X-Forwarded-Proto": proto})
        assert ("Strict-Transport-Security" in answer.headers) == kept, proto
    answer = await client.get(path, headers={"X-Forwarded-Proto": "HTTPS"})
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_no_answer_names_a_version(client: Client) -> None:
    for path in ("/", "/static/parley.js", "/none"):
        assert (await client.get(path)).headers["Server"] == "Parley"
