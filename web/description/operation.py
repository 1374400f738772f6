"""The description of one operation, declared at the handler that carries it out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeVar

from aiohttp import web

from web.http.query_parameters import QueryParameter

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
H = TypeVar("H", bound=Handler)

#: The method and path with which a handler's docstring may begin.
_PLACE: Final = re.compile(r"`[^`]+`:? ?", re.DOTALL)


class Caller(Enum):
    """By what a request says whose it is."""

    NOBODY = "nobody"
    TOKEN = "token"
    #: A token with the admin claim.
    ADMIN = "admin"
    #: A token, or a ticket in the query.
    TICKET = "ticket"
    #: A secret in the path.
    PATH = "path"


@dataclass(frozen=True, slots=True)
class Operation:
    """What an operation takes and answers; types are those that msgspec knows.

    `answers` has the type of the body of each status below 400: `None` for an answer without one,
    several types for one of several forms. `body` is the type of the request's body, `example` one
    of it, `form` whether a form is taken too. `events` are the types of the data of Server-Sent
    Events, by their name.

    `codes` are those of its problems that do not follow from its caller, path, query and body;
    `open_codes`: rules of an operator's own add others, with status 422. A `command` takes a client
    id, and `waits` for the pipeline as receipts do. What `resumes` takes a cursor in a header.
    `links`: the answer names the pages beside it in a header.
    """

    answers: Mapping[int, Any]
    caller: Caller = Caller.TOKEN
    query: tuple[QueryParameter, ...] = ()
    body: Any = None
    example: Any = None
    form: bool = False
    events: Mapping[str, Any] = field(default_factory=dict)
    codes: tuple[str, ...] = ()
    command: bool = False
    waits: bool = False
    resumes: bool = False
    links: bool = False
    open_codes: bool = False


def described(operation: Operation) -> Callable[[H], H]:
    """Mark a handler with its description; the router's document is made of these."""

    def mark(handler: H) -> H:
        vars(handler)["operation"] = operation
        return handler

    return mark


def operation_of(handler: Any) -> Operation | None:
    """The description of a handler; `None` for one that no program calls, such as a page."""
    found = getattr(handler, "operation", None)
    return found if isinstance(found, Operation) else None


def said_of(handler: Any) -> tuple[str, str]:
    """The summary and the description of a handler, from its docstring."""
    summary, _, rest = (inspect.getdoc(handler) or "").partition("\n\n")
    summary = _PLACE.sub("", " ".join(summary.split()), count=1) if summary[:1] == "`" else summary
    summary = summary[:1].upper() + summary[1:]
    return summary.rstrip("."), " ".join(rest.split())
