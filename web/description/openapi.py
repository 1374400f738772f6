"""OpenAPI 3.2 of an edge, made of its routes and of what their handlers declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from aiohttp import web

from app.events import TRACEPARENT
from web.description.operation import Caller, Operation, operation_of, said_of
from web.description.path_parts import parts_of, path_parameters
from web.description.problems import ProblemObject, ProblemResponses, codes_of
from web.description.schemas import schemas_of
from web.http.request_params import IDEMPOTENCY_KEY, PREFER
from web.http.stream_parameters import LAST_EVENT_ID

_TITLE: Final = "Parley"
_ABOUT: Final = (
    "A chat back end: clients send by HTTP and read by Server-Sent Events or long-poll. Every "
    "error is `application/problem+json` with a `code`. Answers and events may get more fields, "
    "and events more kinds: skip those that you don't know."
)

_SECURITY: Final[dict[Caller, list[dict[str, list[str]]]]] = {
    Caller.NOBODY: [],
    Caller.TOKEN: [{"token": []}],
    Caller.ADMIN: [{"token": []}],
    Caller.TICKET: [{"token": []}, {"ticket": []}],
    Caller.PATH: [],
}
_SCHEMES: Final[dict[str, Any]] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A JSON Web Token of your login: `sub` is the user.",
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket of `POST /v1/stream-tickets`, for clients without headers.",
    },
}

#: Headers of answers.
_HEADERS: Final[dict[str, Any]] = {
    "RetryAfter": {
        "description": "Seconds after which the request may be sent again.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Location": {
        "description": "The path at which the result is read.",
        "schema": {"type": "string"},
    },
    "PreferenceApplied": {
        "description": "The `wait` that was followed.",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": 'The pages beside this one, `rel="prev"` and `rel="next"`.',
        "schema": {"type": "string"},
    },
    "RateLimitPolicy": {
        "description": "The rate of the request's kind, where less than half of it is left.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What is left of that rate, and when all of it is back.",
        "schema": {"type": "string"},
    },
}

_PREFER: Final[dict[str, Any]] = {
    "name": PREFER,
    "in": "header",
    "description": "`wait=N`: the seconds, 0 to 30, that the answer may wait for the outcome.",
    "schema": {"type": "string"},
    "example": "wait=5",
}
_IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "description": "The client's name for the request, instead of `client_id` in the body.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 64},
}

_TRACEPARENT: Final[dict[str, Any]] = {
    "name": TRACEPARENT,
    "in": "header",
    "description": "W3C Trace Context: the span that this request is part of. Its trace goes on "
    "here, where traces are on and it is sampled; a malformed one counts as none.",
    "schema": {"type": "string"},
    "example": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}

_LAST_EVENT_ID: Final[dict[str, Any]] = {
    "name": LAST_EVENT_ID,
    "in": "header",
    "description": "The cursor to begin at: the id of the last event.",
    "schema": {"type": "string"},
}


class Described(NamedTuple):
    """A route with its description."""

    method: str
    path: str
    handler: Any
    operation: Operation


def described_routes(router: web.UrlDispatcher) -> list[Described]:
    """The routes whose handlers have a description, in the order of the router."""
    found = []
    for route in router.routes():
        operation = operation_of(route.handler)
        if operation is not None and route.resource is not None and route.method != "HEAD":
            path = route.resource.canonical
            found.append(Described(route.method, path, route.handler, operation))
    return found


def openapi(router: web.UrlDispatcher, kinds: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """The document. `kinds` are those of requests, by method and path, which limits go by."""
    routes = described_routes(router)
    types = list(_types(routes))
    schemas, components = schemas_of([ProblemObject, *types], internal=False)
    known = dict(zip(map(id, types), schemas[1:], strict=True))
    problems = ProblemResponses()
    paths: dict[str, dict[str, Any]] = {}
    for one in routes:
        kind = kinds.get((one.method, one.path), "")
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, known, kind, problems)
    return {
        "openapi": "3.2.0",
        "info": {"title": _TITLE, "version": version("parley"), "description": _ABOUT},
        "servers": [{"url": "/", "description": "This edge; any other answers the same."}],
        "tags": [{"name": name} for name in sorted({_tag(one) for one in routes})],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": problems.components,
            "securitySchemes": _SCHEMES,
            "headers": _HEADERS,
        },
    }


def _types(routes: Iterable[Described]) -> Iterable[Any]:
    for one in routes:
        operation = one.operation
        for kind in operation.answers.values():
            yield from kind if isinstance(kind, tuple) else (kind,) if kind is not None else ()
        yield from operation.events.values()
        if operation.body is not None:
            yield operation.body


def _tag(one: Described) -> str:
    return str(one.handler.__module__.rpartition(".")[2])


def _operation(
    one: Described, known: Mapping[int, Any], kind: str, problems: ProblemResponses
) -> dict[str, Any]:
    operation = one.operation
    summary, rest = said_of(one.handler)
    found: dict[str, Any] = {
        "operationId": f"{_tag(one)}.{one.handler.__name__}",
        "tags": [_tag(one)],
        "summary": summary,
        "description": " ".join(filter(None, (rest, _of_caller(operation), _of_limit(kind)))),
        "security": _SECURITY[operation.caller],
        "parameters": [*path_parameters(one.path), *_parameters(operation)],
        "responses": _responses(one, known, problems),
    }
    if operation.body is not None:
        types = ["application/json"]
        types += ["application/x-www-form-urlencoded"] if operation.form else []
        schema = known[id(operation.body)]
        content = {name: {"schema": schema, "example": operation.example} for name in types}
        found["requestBody"] = {"required": True, "content": content}
    return {name: value for name, value in found.items() if value not in ("",)}


def _of_caller(operation: Operation) -> str:
    return "Takes a token with the admin claim." if operation.caller is Caller.ADMIN else ""


def _of_limit(kind: str) -> str:
    return f"Counts in the limit `{kind}`." if kind else ""


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for one in operation.query:
        parameter: dict[str, Any] = {"name": one.name, "in": "query", "description": one.about}
        if one.required:
            parameter["required"] = True
        found.append({**parameter, "schema": one.schema()})
    if operation.command:
        found.append(_IDEMPOTENCY_KEY)
        found.append(_TRACEPARENT)
    if operation.command or operation.waits:
        found.append(_PREFER)
    if operation.resumes:
        found.append(_LAST_EVENT_ID)
    return found


def _responses(
    one: Described, known: Mapping[int, Any], problems: ProblemResponses
) -> dict[str, Any]:
    operation = one.operation
    found: dict[str, Any] = {}
    for status, kind in operation.answers.items():
        answer: dict[str, Any] = {"description": _SAID[status]}
        if headers := _answer_headers(operation, status):
            answer["headers"] = headers
        content: dict[str, Any] = {}
        if kind is not None:
            content["application/json"] = {"schema": _body(kind, known)}
        if operation.events:
            content["text/event-stream"] = {"itemSchema": _events(operation.events, known)}
        if content:
            answer["content"] = content
        found[str(status)] = answer
    for status, codes in codes_of(operation, parts_of(one.path)).items():
        open_codes = operation.open_codes and status == 422
        problem = problems.of(status, codes, open_codes=open_codes)
        if str(status) in found:
            shared = problems.components[problem["$ref"].rpartition("/")[2]]
            found[str(status)]["content"] |= shared["content"]
        else:
            found[str(status)] = problem
    return dict(sorted(found.items()))


def _body(kind: Any, known: Mapping[int, Any]) -> Any:
    if isinstance(kind, tuple):
        return {"anyOf": [known[id(one)] for one in kind]}
    return known[id(kind)]


_SAID: Final = {
    200: "It is done, or here it is.",
    201: "It is there now.",
    202: "It was taken, and is not decided yet.",
    204: "It is done; there is nothing to say.",
    304: "It is as the client has it.",
    503: "Not ready.",
}


def _answer_headers(operation: Operation, status: int) -> dict[str, Any]:
    names = []
    if operation.command or operation.waits:
        names.append(("Preference-Applied", "PreferenceApplied"))
    if operation.command and status in (200, 201):
        names.append(("Location", "Location"))
    if operation.links:
        names.append(("Link", "Link"))
    if operation.caller is not Caller.NOBODY and not operation.events:
        names += [("RateLimit", "RateLimit"), ("RateLimit-Policy", "RateLimitPolicy")]
    return {name: {"$ref": f"#/components/headers/{ref}"} for name, ref in names}


def _events(events: Mapping[str, Any], known: Mapping[int, Any]) -> dict[str, Any]:
    """The schema of one Server-Sent Event: its data is JSON, of a type that follows its name."""
    return {"anyOf": [_event(name, known[id(kind)]) for name, kind in events.items()]}


def _event(name: str, data: Any) -> dict[str, Any]:
    """An event of this name; empty: without one, `*`: with that of its kind."""
    fields: dict[str, Any] = {
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": data,
        },
        "id": {"type": "string", "description": "The cursor behind this event."},
        "retry": {"type": "integer", "description": "Milliseconds after which to come back."},
    }
    if name:
        fields["event"] = {"type": "string"} if name == "*" else {"const": name}
    found = {"type": "object", "properties": fields, "required": ["data"]}
    if name:
        found["required"] = ["event", "data"]
    else:
        found["not"] = {"required": ["event"]}
    return found
