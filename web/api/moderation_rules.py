"""The moderation rule set, for admins: show it, replace it, try a text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

import msgspec
from aiohttp import web

from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import RuleMistake, RuleSet, parse
from app.domain.moderation.ruling import judge
from app.events import RulesSet, Ruling
from app.moderation.rule_plugins import rule_kinds
from app.runtime.clock import now_ms
from app.runtime.outside_addresses import OutsideAddresses
from web.api.callers import authenticate_admin
from web.api.services import ACTIVE_RULES, AUDIT_LOG, SETTINGS
from web.description.operation import Caller, Operation, described
from web.http.json_response import json
from web.http.problem import Problem
from web.http.request_body import read_body

P = ParamSpec("P")
T = TypeVar("T")

#: Rules are parsed and tried in a thread, because long lists take a moment in which no other
#: request may wait; in one thread, so that many of them leave the processor to the event loop.
_thread = ThreadPoolExecutor(1, "rules")


class NewRules(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `PUT /v1/moderation/rules`: TOML, and the lines of the files that it names."""

    source: str
    lists: dict[str, tuple[str, ...]] = {}


class DryRun(msgspec.Struct, forbid_unknown_fields=True):
    """Body of `POST /v1/moderation/rules/test`: a text, and rules other than the active ones."""

    text: str
    source: str | None = None


class ActiveRuleSet(msgspec.Struct, omit_defaults=True):
    """The active rule set; `lists` has the number of lines of each file that it names."""

    version: int
    source: str
    lists: dict[str, int]
    by: str | msgspec.UnsetType = msgspec.UNSET
    at_ms: int | msgspec.UnsetType = msgspec.UNSET


class Activated(msgspec.Struct):
    """The version of a rule set that is active from now on."""

    version: int


class DryRunVerdict(msgspec.Struct):
    """What a text would get by the rules of this version; null: nothing."""

    verdict: Ruling | None
    version: int


@described(Operation({200: ActiveRuleSet}, caller=Caller.ADMIN))
async def show(request: web.Request) -> web.Response:
    """`GET /v1/moderation/rules`: the active rule set; version 0 before the first."""
    await authenticate_admin(request)
    now = request.app[ACTIVE_RULES]
    known = now.source
    if known is None:
        return json({"version": 0, "source": "", "lists": {}})
    lists = {name: len(lines) for name, lines in known.lists.items()}
    shown = {"version": known.version, "by": known.by, "at_ms": known.at_ms}
    return json({**shown, "source": known.source, "lists": lists})


@described(
    Operation(
        {200: Activated},
        caller=Caller.ADMIN,
        body=NewRules,
        example={"source": '[[words]]\naction = "mask"\nwords = ["darn"]\n'},
        codes=("rules_mistake",),
    )
)
async def put(request: web.Request) -> web.Response:
    """`PUT /v1/moderation/rules`: activate a rule set; a mistake leaves the old one active."""
    identity = await authenticate_admin(request)
    body = await read_body(request, NewRules)
    rules = await _in_thread(parsed, request, body.source, body.lists)
    _check_hook(request, rules, body.source)
    acts, known = request.app[AUDIT_LOG], request.app[ACTIVE_RULES].source
    act = RulesSet(
        id=acts.new_id(),
        by=identity.user,
        at_ms=now_ms(),
        source=body.source,
        lists=body.lists,
        version=1 if known is None else known.version + 1,
    )
    return json({"version": await acts.set_rules(act)})


def _check_hook(request: web.Request, rules: RuleSet, source: str) -> None:
    """Raise `Problem` where the hook is at an address to which no request may go."""
    if rules.hook is None:
        return
    addresses = OutsideAddresses(request.app[SETTINGS].webhook_hosts)
    if (flaw := addresses.flaw(rules.hook.url)) is not None:
        line = source[: source.index("[hook]")].count("\n") + 1 if "[hook]" in source else 1
        allowed = "PARLEY_WEBHOOK_HOSTS allows more"
        raise Problem("rules_mistake", f"[hook]: {flaw}; {allowed}", line=line)


@described(
    Operation(
        {200: DryRunVerdict},
        caller=Caller.ADMIN,
        body=DryRun,
        example={"text": "Hello, Ben"},
        codes=("rules_mistake", "text_too_long"),
    )
)
async def test(request: web.Request) -> web.Response:
    """`POST /v1/moderation/rules/test`: the verdict that a text would get, without effect."""
    identity = await authenticate_admin(request)
    body = await read_body(request, DryRun)
    limit = request.app[SETTINGS].text_limit
    if len(body.text) > limit:
        raise Problem("text_too_long", f"a message has at most {limit} characters")
    message = Message("", identity.user, body.text, at_ms=now_ms())
    verdict, version = await _in_thread(_tried, request, body.source, message)
    return json({"verdict": verdict, "version": version})


async def _in_thread(function: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_thread, partial(function, *args, **named))


def _tried(request: web.Request, source: str | None, message: Message) -> tuple[Ruling | None, int]:
    rules = request.app[ACTIVE_RULES].rules
    if source is not None:
        rules = parsed(request, source, {})
    return judge(message, Facts(), rules), rules.version


def parsed(request: web.Request, source: str, lists: dict[str, tuple[str, ...]]) -> RuleSet:
    """The parsed rules. Raises `Problem` 400 `rules_mistake` with `line`."""
    try:
        return parse(source, lists, rule_kinds(request.app[SETTINGS].rules))
    except RuleMistake as mistake:
        raise Problem("rules_mistake", mistake.reason, line=mistake.line) from None


def add_routes(app: web.Application) -> None:
    """Add the routes of this resource."""
    app.router.add_get("/v1/moderation/rules", show)
    app.router.add_put("/v1/moderation/rules", put)
    app.router.add_post("/v1/moderation/rules/test", test)
