from __future__ import annotations

import re

from aiohttp import web

from tests.docs.markdown import ROOT
from web.api.request_kinds import KINDS
from web.api.routes import add_routes
from web.limits.kinds import IN_ROOM, Kind

ROWS = dict(
    re.findall(
        r"^\| `PARLEY_LIMIT_(\w+)` \| by [^|]+ \| (.+) \|$",
        (ROOT / "docs" / "limits.md").read_text(),
        re.MULTILINE,
    )
)

#: Paths that ask for no token, that of hooks, which count as a user of their own in each room, and
#: those of streams and polls, which no handler serves.
OTHERS = {"/", "/operator", "/healthz", "/readyz", "/v1/stream", "/v1/events"} | {
    "/v1/hooks/{token}",
    "/v1/openapi.json",
    "/v1/asyncapi.json",
}


def paths(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"`(GET|POST|PUT|PATCH|DELETE) ([^`]+)`", text))


def test_every_path_counts_in_a_limit() -> None:
    app = web.Application()
    add_routes(app)
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    counted = {(method, path) for method, path in served if not path.startswith("/static/")}
    assert {one for one in counted if one[1] not in OTHERS} == KINDS.keys()


def test_the_page_has_the_paths_of_each_limit() -> None:
    for kind in set(KINDS.values()) - {Kind.CONNECT}:
        expected = {path for path, its in KINDS.items() if its == kind}
        assert paths(ROWS[kind.upper()]) == expected, kind
    for kind, in_room in IN_ROOM.items():
        assert ROWS[in_room.upper()] == "the same", kind
    assert paths(ROWS["CONNECT"]) == {("GET", "/v1/stream"), ("POST", "/v1/stream-tickets")}
    assert paths(ROWS["POLL"]) == {("GET", "/v1/events")}
