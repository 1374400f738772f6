"""Every path for every kind of caller: who is let in, and that strangers learn nothing.

The paths come from the route table. A new one fails here until it says who may use it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web

from app.runtime.dev_tokens import mint
from tests.support.chat import Chat, until
from tests.support.person import Person
from web.api.request_kinds import KINDS
from web.api.routes import add_routes
from web.description.openapi import described_routes
from web.description.operation import Caller as DescribedCaller

#: From those who may the least. `platform` has the admin claim and is in no room.
ROLES = (
    *("nobody", "stranger", "removed", "banned", "muted"),
    *("member", "moderator", "admin", "owner", "platform"),
)
INSIDE = ("muted", "member", "moderator", "admin", "owner")

Statuses = dict[str, int]


def inside(status: int, *, lowest: str = "muted", below: int = 403, **others: int) -> Statuses:
    """The status for members from `lowest` up; `below` for those beneath, 404 for strangers."""
    rank = INSIDE.index(lowest)
    found = dict.fromkeys(ROLES, 404) | {"nobody": 401}
    found |= {role: status if INSIDE.index(role) >= rank else below for role in INSIDE}
    return found | others


def everybody(status: int, **others: int) -> Statuses:
    """The status for all who have a token."""
    return dict.fromkeys(ROLES, status) | {"nobody": 401} | others


def platform(status: int) -> Statuses:
    """The status for the platform's admins; 403 for all others."""
    return everybody(403) | {"platform": status}


#: A command of one who is banned from the room: they hear of it.
HEARS = {"banned": 403}


@dataclass
class Scene:
    """A room with one person of each role, and what requests are about."""

    room: str
    #: A member for each role, whom those of this role try to remove, to promote, to mute.
    targets: dict[str, str]
    #: The owner's message for each role.
    messages: dict[str, int]

    def fresh(self, role: str) -> str:
        return f"{role}-{uuid4().hex[:8]}"


Ask = Callable[[Scene, str], tuple[str, Any]]


def room(tail: str = "", body: Any = None) -> Ask:
    return lambda scene, _: (f"/v1/rooms/{scene.room}{tail}", body)


def path(text: str, body: Any = None) -> Ask:
    return lambda scene, role: (text, body)


def message(tail: str = "", body: Any = None) -> Ask:
    return lambda scene, role: (
        f"/v1/rooms/{scene.room}/messages/{scene.messages[role]}{tail}",
        body,
    )


def target(place: str, body: Any = None) -> Ask:
    return lambda scene, role: (f"/v1/rooms/{scene.room}/{place}/{scene.targets[role]}", body)


THUMB = "/reactions/" + quote("👍")
SUBSCRIPTION = "/v1/subscriptions/{subscription}"
MUTE = {"sanction": "mute", "seconds": 60}
MODERATES = {"lowest": "moderator"}

#: In this order for each role: what a role adds it takes back later.
MATRIX: dict[tuple[str, str], tuple[Ask, Statuses]] = {
    ("GET", "/v1/rooms/{room}"): (room(), inside(200)),
    ("GET", "/v1/rooms/{room}/members"): (room("/members"), inside(200)),
    ("GET", "/v1/rooms/{room}/messages"): (room("/messages"), inside(200)),
    ("GET", "/v1/rooms/{room}/receipts"): (room("/receipts"), inside(200)),
    ("PUT", "/v1/rooms/{room}/read"): (room("/read", {"seq": 1}), inside(200)),
    ("POST", "/v1/rooms/{room}/typing"): (room("/typing"), inside(204, lowest="member")),
    ("POST", "/v1/rooms/{room}/uploads"): (
        room("/uploads", {"name": "1.png"}),
        everybody(501),
    ),
    ("POST", "/v1/rooms/{room}/messages"): (
        room("/messages", {"text": "hello"}),
        inside(201, lowest="member", **HEARS),
    ),
    ("PUT", "/v1/rooms/{room}/messages/{seq}/reactions/{emoji}"): (
        message(THUMB),
        inside(200, lowest="member", **HEARS),
    ),
    ("DELETE", "/v1/rooms/{room}/messages/{seq}/reactions/{emoji}"): (
        message(THUMB),
        inside(200, lowest="member", below=404, **HEARS),
    ),
    ("POST", "/v1/rooms/{room}/messages/{seq}/report"): (
        message("/report", {"reason": "spam"}),
        inside(202),
    ),
    ("PATCH", "/v1/rooms/{room}/messages/{seq}"): (
        message("", {"text": "better"}),
        inside(200, **MODERATES, **HEARS),
    ),
    ("DELETE", "/v1/rooms/{room}/messages/{seq}"): (
        message(),
        inside(200, **MODERATES, **HEARS),
    ),
    ("PATCH", "/v1/rooms/{room}"): (
        room("", {"topic": "tea"}),
        inside(200, lowest="admin", **HEARS),
    ),
    ("POST", "/v1/rooms/{room}/members"): (
        lambda scene, role: (f"/v1/rooms/{scene.room}/members", {"user": scene.fresh(role)}),
        inside(201, **MODERATES, **HEARS),
    ),
    ("PATCH", "/v1/rooms/{room}/members/{user}"): (
        target("members", {"role": "member"}),
        inside(200, lowest="admin", **HEARS),
    ),
    ("GET", "/v1/rooms/{room}/sanctions"): (
        room("/sanctions"),
        inside(200, **MODERATES, platform=200),
    ),
    ("PUT", "/v1/rooms/{room}/sanctions/{user}"): (
        target("sanctions", MUTE),
        inside(200, **MODERATES, **HEARS, platform=200),
    ),
    ("DELETE", "/v1/rooms/{room}/sanctions/{user}"): (
        target("sanctions"),
        inside(200, **MODERATES, **HEARS, platform=200),
    ),
    ("GET", "/v1/rooms/{room}/hooks"): (room("/hooks"), inside(200, **MODERATES, platform=200)),
    ("POST", "/v1/rooms/{room}/hooks"): (room("/hooks", {}), inside(201, **MODERATES)),
    ("DELETE", "/v1/rooms/{room}/hooks/{hook}"): (
        room("/hooks/none"),
        inside(404, **MODERATES, platform=404),
    ),
    ("DELETE", "/v1/rooms/{room}/members/{user}"): (
        target("members"),
        inside(200, **MODERATES, **HEARS),
    ),
    ("POST", "/v1/rooms"): (
        lambda scene, role: ("/v1/rooms", {"room": scene.fresh(role)}),
        everybody(201),
    ),
    ("GET", "/v1/rooms"): (path("/v1/rooms"), everybody(200)),
    ("GET", "/v1/unread"): (path("/v1/unread"), everybody(200)),
    ("GET", "/v1/search"): (path("/v1/search?q=hello"), everybody(200)),
    ("GET", "/v1/sync"): (path("/v1/sync"), everybody(200)),
    ("POST", "/v1/sync"): (
        lambda scene, _: ("/v1/sync", {"rooms": {scene.room: 0}}),
        everybody(200),
    ),
    ("GET", "/v1/presence"): (path("/v1/presence?user=ann"), everybody(200)),
    ("PUT", "/v1/presence"): (path("/v1/presence", {"status": "online"}), everybody(204)),
    ("POST", "/v1/stream-tickets"): (path("/v1/stream-tickets"), everybody(201)),
    ("GET", "/v1/moderation/queue"): (path("/v1/moderation/queue"), everybody(200)),
    ("POST", "/v1/moderation/queue/{item}"): (
        path("/v1/moderation/queue/none", {"action": "dismiss"}),
        everybody(404),
    ),
    ("GET", "/v1/moderation/log"): (path("/v1/moderation/log"), everybody(200)),
    ("GET", "/v1/moderation/rules"): (path("/v1/moderation/rules"), platform(200)),
    ("PUT", "/v1/moderation/rules"): (
        path("/v1/moderation/rules", {"source": "[none]"}),
        platform(400),
    ),
    ("POST", "/v1/moderation/rules/test"): (
        path("/v1/moderation/rules/test", {"text": "hello"}),
        platform(200),
    ),
    ("GET", "/v1/sanctions"): (path("/v1/sanctions"), platform(200)),
    ("PUT", "/v1/sanctions/{user}"): (path("/v1/sanctions/nobody-here", MUTE), platform(200)),
    ("DELETE", "/v1/sanctions/{user}"): (path("/v1/sanctions/nobody-here"), platform(200)),
    ("GET", "/v1/operator"): (path("/v1/operator"), platform(200)),
    ("GET", "/v1/operator/events"): (path("/v1/operator/events?count=1"), platform(200)),
    ("GET", "/v1/operator/users/{user}"): (path("/v1/operator/users/ben"), platform(200)),
    ("GET", "/v1/operator/dead-letters"): (path("/v1/operator/dead-letters"), platform(200)),
    ("POST", "/v1/operator/dead-letters/send-again"): (
        path("/v1/operator/dead-letters/send-again", {"names": ["none"]}),
        platform(200),
    ),
    ("GET", "/v1/revocations"): (path("/v1/revocations"), platform(200)),
    ("POST", "/v1/revocations"): (
        path("/v1/revocations", {"jti": "none"}),
        platform(201),
    ),
    ("GET", "/v1/me/notify"): (path("/v1/me/notify"), everybody(200)),
    ("PUT", "/v1/me/notify"): (path("/v1/me/notify", {"level": "all"}), everybody(200)),
    ("GET", "/v1/rooms/{room}/notify"): (room("/notify"), inside(200)),
    ("PUT", "/v1/rooms/{room}/notify"): (room("/notify", {"level": "none"}), inside(200)),
    ("GET", "/v1/push/subscriptions"): (path("/v1/push/subscriptions"), everybody(200)),
    ("POST", "/v1/push/subscriptions"): (
        path("/v1/push/subscriptions", {"device": "a phone"}),
        everybody(201),
    ),
    ("DELETE", "/v1/push/subscriptions/{subscription}"): (
        path("/v1/push/subscriptions/none"),
        everybody(404),
    ),
    ("GET", "/v1/subscriptions"): (path("/v1/subscriptions"), platform(200)),
    ("POST", "/v1/subscriptions"): (path("/v1/subscriptions", {"url": "none"}), platform(400)),
    ("GET", SUBSCRIPTION): (path("/v1/subscriptions/none"), platform(404)),
    ("PATCH", SUBSCRIPTION): (path("/v1/subscriptions/none", {}), platform(404)),
    ("DELETE", SUBSCRIPTION): (path("/v1/subscriptions/none"), platform(404)),
    ("POST", SUBSCRIPTION + "/test"): (path("/v1/subscriptions/none/test", {}), platform(404)),
    ("GET", SUBSCRIPTION + "/failures"): (path("/v1/subscriptions/none/failures"), platform(404)),
    ("GET", SUBSCRIPTION + "/events"): (path("/v1/subscriptions/none/events"), platform(404)),
    ("POST", SUBSCRIPTION + "/ack"): (path("/v1/subscriptions/none/ack", {}), platform(404)),
    ("POST", SUBSCRIPTION + "/send-again"): (
        path("/v1/subscriptions/none/send-again", {}),
        platform(404),
    ),
}


def user_of(role: str) -> str:
    return f"matrix-{role}"


class Caller:
    """Requests as each of the roles, on one session."""

    def __init__(self, chat: Chat, http: aiohttp.ClientSession) -> None:
        self._chat, self._http = chat, http

    def headers(self, role: str) -> dict[str, str]:
        if role == "nobody":
            return {}
        token = mint(self._chat.settings, user_of(role), admin=role == "platform")
        return {"Authorization": f"Bearer {token}"}

    async def ask(
        self, role: str, method: str, where: str, body: Any = None, raw: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        headers = {**self.headers(role), "Prefer": "wait=20"}
        if raw is not None:
            headers["Content-Type"] = "application/json"
        url = self._chat.url + where
        async with self._http.request(method, url, json=body, data=raw, headers=headers) as answer:
            content = await answer.read()
            is_json = answer.content_type.endswith("json")
            return answer.status, json.loads(content) if content and is_json else {}


@pytest.fixture(scope="module")
async def caller(shared_chat: Chat) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as http:
        yield Caller(shared_chat, http)


@pytest.fixture(scope="module")
async def scene(shared_chat: Chat, caller: Caller) -> Scene:
    """The room, as its owner has made it."""
    name = f"matrix-{uuid4().hex[:12]}"
    async with Person(shared_chat, user_of("owner")) as owner:
        await owner.open_room(room=name)
        members = f"/v1/rooms/{name}/members"
        given = {"moderator": "moderator", "admin": "admin"}
        for role in ("removed", "banned", "muted", "member", "moderator", "admin"):
            body = {"user": user_of(role), "role": given.get(role, "member")}
            assert (await owner.post(members, body))[0] == 201
        targets = {role: f"target-{role}" for role in ROLES}
        for user in targets.values():
            assert (await owner.post(members, {"user": user}))[0] == 201
        messages = {role: (await owner.say(name, f"for {role}"))["seq"] for role in ROLES}
    for method, tail, body in (
        ("DELETE", f"members/{user_of('removed')}", None),
        ("PUT", f"sanctions/{user_of('banned')}", {"sanction": "ban", "reason": "spam"}),
        ("PUT", f"sanctions/{user_of('muted')}", {"sanction": "mute", "reason": "noise"}),
    ):
        status, answer = await caller.ask("owner", method, f"/v1/rooms/{name}/{tail}", body)
        assert status == 200, answer
    return Scene(name, targets, messages)


def served() -> set[tuple[str, str]]:
    """Every path that asks for a token, and takes no ticket instead."""
    app = web.Application()
    add_routes(app)
    callers = (DescribedCaller.TOKEN, DescribedCaller.ADMIN)
    routes = described_routes(app.router)
    return {(one.method, one.path) for one in routes if one.operation.caller in callers}


def test_every_path_is_in_the_matrix_with_every_role() -> None:
    assert served() == MATRIX.keys() == KINDS.keys()
    assert all(statuses.keys() == set(ROLES) for _, statuses in MATRIX.values())


@pytest.mark.parametrize("role", ROLES)
async def test_each_path_lets_in_whom_it_should(caller: Caller, scene: Scene, role: str) -> None:
    found, expected = {}, {}
    for (method, canonical), (ask, statuses) in MATRIX.items():
        where, body = ask(scene, role)

        async def archived(
            method: str = method, where: str = where, body: Any = body
        ) -> tuple[int, dict[str, Any]] | None:
            status, answer = await caller.ask(role, method, where, body)
            return None if answer.get("code") == "history_behind" else (status, answer)

        status, answer = await until(archived)
        key = f"{method} {canonical}"
        expected[key] = statuses[role]
        found[key] = status
        if status != statuses[role]:
            print(key, status, answer)
    assert found == expected


@pytest.mark.parametrize("role", ["stranger", "removed", "platform"])
async def test_a_room_and_none_look_the_same(caller: Caller, scene: Scene, role: str) -> None:
    """The whole answers, and not the statuses alone."""
    nowhere = Scene(f"none-{uuid4().hex[:12]}", scene.targets, scene.messages)
    told = []
    for (method, canonical), (ask, statuses) in MATRIX.items():
        if "{room}" not in canonical or statuses[role] != 404:
            continue
        answers = []
        for place in (scene, nowhere):
            where, body = ask(place, role)
            status, answer = await caller.ask(role, method, where, body)
            text = json.dumps([status, answer]).replace(place.room, "ROOM")
            answers.append(text)
        assert answers[0] == answers[1], (method, canonical)
        told.append(canonical)
    assert len(told) >= 15


async def test_nobody_is_told_so_before_their_body_is_looked_at(
    caller: Caller, scene: Scene
) -> None:
    for (method, canonical), (ask, _) in MATRIX.items():
        where, body = ask(scene, "nobody")
        if body is not None:
            status, answer = await caller.ask("nobody", method, where, raw=b'{"text":')
            assert (status, answer["code"]) == (401, "token_missing"), canonical


async def test_a_stranger_cannot_tell_whether_a_message_was_reported(
    caller: Caller, scene: Scene
) -> None:
    """An item's id follows from the message's place."""
    where = f"/v1/rooms/{scene.room}/messages/{scene.messages['member']}/report"
    _, reported = await caller.ask("admin", "POST", where, {"reason": "look"})
    item = reported["item"]

    async def queued() -> bool:
        _, answer = await caller.ask("admin", "GET", "/v1/moderation/queue?status=any&limit=200")
        return item in {one["id"] for one in answer["items"]}

    await until(queued)
    answers = [
        await caller.ask(role, "POST", f"/v1/moderation/queue/{name}", {"action": "dismiss"})
        # Neither can the author of the message, who moderates the room.
        for role in ("stranger", "member", "owner")
        for name in (quote(item, safe=""), "none")
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 404
