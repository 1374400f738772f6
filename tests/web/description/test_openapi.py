"""The OpenAPI document: valid, whole, and the code's own."""

from __future__ import annotations

import ast
import inspect
import re
from typing import Any

import msgspec
import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV32SpecValidator

from tests.docs.markdown import ROOT
from tests.support.described import Description
from web.api.request_kinds import KINDS
from web.api.routes import add_routes
from web.description.openapi import described_routes
from web.description.operation import operation_of
from web.description.problems import codes_of
from web.http.error_codes import CODES


@pytest.fixture(scope="module")
def app() -> web.Application:
    app = web.Application()
    add_routes(app)
    return app


@pytest.fixture(scope="module")
def document(description: Description) -> dict[str, Any]:
    return description.document


def test_the_document_is_openapi_3_2(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.2.0"
    assert [error.message for error in OpenAPIV32SpecValidator(document).iter_errors()] == []


def test_every_path_for_programs_is_described(app: web.Application) -> None:
    silent = {
        route.resource.canonical
        for route in app.router.routes()
        if route.resource is not None and operation_of(route.handler) is None
    }
    assert {path for path in silent if not path.startswith("/static/")} == {"/", "/operator"}


def test_every_operation_says_in_a_line_what_it_does(document: dict[str, Any]) -> None:
    operations = [one for path in document["paths"].values() for one in path.values()]
    summaries = [one["summary"] for one in operations]
    assert all(re.fullmatch(r"[A-Z][^`\n]{8,120}", one.replace("`", "")) for one in summaries)
    assert len({one["operationId"] for one in operations}) == len(operations) > 60


def test_types_have_plain_names_of_their_own(document: dict[str, Any]) -> None:
    """A name with a dot is that of two types: rename one of them."""
    assert all(name.isalnum() for name in document["components"]["schemas"])


def test_every_body_has_an_example_that_is_as_described(
    description: Description, document: dict[str, Any]
) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                body = msgspec.json.encode(content["example"])
                wrong = description.mismatch(content["schema"], body)
                assert content["example"], (method, path)
                assert not wrong, (method, path, wrong)


def test_no_field_that_is_parleys_own_is_described(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert "shadow" not in schema.get("properties", {}), name
    assert "x-internal" not in str(document)


def test_every_code_of_the_errors_page_is_one_of_some_operation(app: web.Application) -> None:
    told = {
        code
        for one in described_routes(app.router)
        for codes in codes_of(one.operation, tuple(re.findall(r"{(\w+)}", one.path))).values()
        for code in codes
    }
    # Answers to requests that are none of an operation.
    assert set(CODES) - told == {"path_unknown", "method_not_allowed"}


def test_every_operation_with_a_token_names_its_limit(document: dict[str, Any]) -> None:
    for (method, path), kind in KINDS.items():
        operation = document["paths"][path][method.lower()]
        assert f"`{kind}`" in operation["description"]
        assert "429" in operation["responses"]


def test_every_parameter_that_is_described_is_read(app: web.Application) -> None:
    for one in described_routes(app.router):
        module = inspect.getmodule(one.handler)
        assert module is not None
        if module.__name__ == "web.api.streams":
            continue  # read by web/server, from web/http/stream_parameters.py
        functions = [
            node
            for node in ast.walk(ast.parse(inspect.getsource(module)))
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
        ]
        used = {
            node.id
            for function in functions
            for statement in function.body
            for node in ast.walk(statement)
            if isinstance(node, ast.Name)
        }
        for parameter in one.operation.query:
            names = {name for name, value in vars(module).items() if value is parameter}
            assert names & used, (one.path, parameter.name)


def test_no_handler_reads_a_parameter_past_its_declaration() -> None:
    """`request.query` goes to a declared parameter, or is asked for the name of one."""
    for path in sorted((ROOT / "web" / "api").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("query.get"):
                assert ast.unparse(node.args[0]).endswith(".name"), (path.name, node.lineno)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (418, b"{}"),
        (200, b'{"rooms":[],"has_more":1}'),
        (200, b'{"rooms":[],"has_more":false,"mood":"good"}'),
        (401, b'{"type":"urn","title":"t","status":401,"detail":"d","code":"teapot"}'),
    ],
)
def test_an_answer_that_is_not_described_is_found(
    description: Description, status: int, body: bytes
) -> None:
    kind = "application/json" if status == 200 else "application/problem+json"
    headers = {"Content-Type": kind}
    assert description.flaw("GET", "/v1/rooms", status, headers, body)
    good = b'{"rooms":[],"has_more":false}'
    headers = {"Content-Type": "application/json"}
    assert not description.flaw("GET", "/v1/rooms", 200, headers, good)


def test_a_request_that_is_not_described_is_found(description: Description) -> None:
    assert description.request_flaw("GET", "/v1/rooms", {"mood": "good"}, None)
    assert description.request_flaw("PUT", "/v1/rooms/tea/read", {}, b'{"seq":"1"}')
    assert not description.request_flaw("PUT", "/v1/rooms/tea/read", {}, b'{"seq":1}')
