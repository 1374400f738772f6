"""The codes of each operation, held to the problems that its handler's code can raise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from aiohttp import web

from tests.docs.markdown import ROOT
from web.api.routes import add_routes
from web.description.openapi import Described, described_routes
from web.description.problems import codes_of
from web.http.error_codes import CODES

Function = ast.FunctionDef | ast.AsyncFunctionDef

#: What takes part in answering a request; calls of anything else raise no problem.
PLACES = ("web.api.", "web.http.", "web.auth.", "web.limits.", "app.domain.")


def routes() -> list[Described]:
    app = web.Application()
    add_routes(app)
    return described_routes(app.router)


@cache
def module(name: str) -> ast.Module:
    file = (ROOT / Path(*name.split("."))).with_suffix(".py")
    return ast.parse(file.read_text() if file.exists() else "")  # a package has none


@cache
def functions(name: str) -> dict[str, Function]:
    """The functions of a module, and the methods of its classes, by their names."""
    return {node.name: node for node in ast.walk(module(name)) if isinstance(node, Function)}


@cache
def imported(name: str) -> dict[str, str]:
    """The module that each imported name comes from."""
    return {
        alias.asname or alias.name: node.module
        for node in ast.walk(module(name))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


#: By operation: the rules of the room that decide on its command.
RULES = {
    "POST /v1/rooms": "membership.create",
    "PATCH /v1/rooms/{room}": "membership.change",
    "POST /v1/rooms/{room}/members": "membership.add",
    "PATCH /v1/rooms/{room}/members/{user}": "membership.change_role",
    "DELETE /v1/rooms/{room}/members/{user}": "membership.remove",
    "POST /v1/rooms/{room}/messages": "messages.send",
    "PATCH /v1/rooms/{room}/messages/{seq}": "messages.edit",
    "DELETE /v1/rooms/{room}/messages/{seq}": "messages.delete",
    "PUT /v1/rooms/{room}/messages/{seq}/reactions/{emoji}": "messages.react",
    "DELETE /v1/rooms/{room}/messages/{seq}/reactions/{emoji}": "messages.unreact",
    "PUT /v1/rooms/{room}/sanctions/{user}": "moderators._sanction",
    "DELETE /v1/rooms/{room}/sanctions/{user}": "moderators._lift",
    "POST /v1/moderation/queue/{item}": "moderators.moderate",
    "POST /v1/hooks/{token}": "messages.send",
}

#: A hook's message replies to nothing, and is in no thread.
NOT_OF_HOOKS = {"message_unknown", "message_gone", "not_a_root"}


def walked(node: ast.AST) -> Iterator[ast.AST]:
    """As `ast.walk`, without what is tried where problems are caught and not raised again."""
    yield node
    for name, value in ast.iter_fields(node):
        if isinstance(node, ast.Try) and name == "body" and any(map(ends, node.handlers)):
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ast.AST):
                yield from walked(one)


def ends(handler: ast.ExceptHandler) -> bool:
    """Whether problems end in this handler."""
    names = {one.id for one in ast.walk(handler.type or handler) if isinstance(one, ast.Name)}
    return "Problem" in names and not any(isinstance(one, ast.Raise) for one in ast.walk(handler))


def raised(name: str, function: str, seen: set[tuple[str, str]]) -> Iterator[str]:
    """The codes of the problems that a function makes, and those that it calls or hands on."""
    if (name, function) in seen or function not in functions(name):
        return
    seen.add((name, function))
    body = functions(name)[function].body
    for node in (one for statement in body for one in walked(statement)):
        match node:
            case ast.Call(
                func=ast.Name(id="Problem" | "denied" | "Refusal"),
                args=[ast.Constant(value=str(code)), *_],
            ):
                yield code
            case ast.Name(id=used):
                origin = imported(name).get(used, name)
                if origin.startswith(PLACES):
                    yield from raised(origin, used, seen)
            # A method of the module itself, or of the request as a command.
            case ast.Attribute(attr=used) if used in functions(name):
                yield from raised(name, used, seen)
            case ast.Attribute(attr="submit" | "fields" as used) if name.startswith("web."):
                yield from raised("web.api.command", used, seen)


@pytest.mark.parametrize("one", routes(), ids=lambda one: f"{one.method} {one.path}")
def test_an_operation_has_the_codes_that_its_code_raises(one: Described) -> None:
    known = codes_of(one.operation, tuple(re.findall(r"{(\w+)}", one.path)))
    described = {code for codes in known.values() for code in codes}
    found = set(raised(one.handler.__module__, one.handler.__name__, set()))
    assert found - described == set()


def test_a_command_has_the_refusals_of_its_rules() -> None:
    """Those that every command may get besides are held by real answers."""
    by_name = {f"{one.method} {one.path}": one for one in routes()}
    commands = {name for name, one in by_name.items() if one.operation.command}
    assert commands - {"POST /v1/hooks/{token}"} <= RULES.keys()
    for name, rule in RULES.items():
        module_name, _, function = rule.partition(".")
        refusals = set(raised(f"app.domain.{module_name}", function, set()))
        assert refusals, rule
        one = by_name[name]
        known = codes_of(one.operation, tuple(re.findall(r"{(\w+)}", one.path)))
        missing = refusals - {code for codes in known.values() for code in codes}
        assert missing <= (NOT_OF_HOOKS if "/hooks/" in name else set()), name


def test_most_codes_of_the_edges_own_are_found() -> None:
    """What the test above follows is most of what there is."""
    found: set[str] = set()
    for one in routes():
        found |= set(raised(one.handler.__module__, one.handler.__name__, set()))
    own = {code for code, known in CODES.items() if not known.refusal}
    assert len(found & own) > 25, own - found
