from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from app.events import Refusal
from web.http.error_codes import CODES
from web.http.problem import Problem, refused

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \| .+ \|$", re.MULTILINE)


def raised() -> Iterator[tuple[str, str]]:
    """Every code in a `Problem("code", …)` or `denied("code", …)`, with its file and line."""
    for path in sorted((ROOT / "web").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            match node.func.id, node.args:
                case "Problem" | "denied", [ast.Constant(value=str(code)), *_]:
                    yield f"{path.name}:{node.lineno}", code


def test_every_code_of_the_edge_is_in_the_table() -> None:
    found = list(raised())
    assert len(found) > 20
    assert not [one for one in found if one[1] not in CODES]


def test_the_page_on_errors_has_the_table() -> None:
    rows = ROW.findall((ROOT / "docs" / "errors.md").read_text())
    assert rows == [(code, str(known.status)) for code, known in CODES.items()]


def test_what_may_be_sent_again_says_when() -> None:
    """A 429, and a 503 whose request was not at fault; the page tells clients to wait for it."""
    for code, known in CODES.items():
        problem = Problem(code, "for a test")
        assert ("Retry-After" in problem.headers) == bool(known.again), code
        assert known.status not in (429, 502, 503) or known.again, code
    waits = Problem("rate_limited", "for a test", headers={"Retry-After": "7"})
    assert waits.headers["Retry-After"] == "7"


def test_every_refusal_of_the_pipeline_has_a_status_in_the_table() -> None:
    decisions = "".join(path.read_text() for path in (ROOT / "app" / "domain").glob("*.py"))
    used = set(re.findall(r'Refusal\(\s*"(\w+)"', decisions))
    assert used
    assert used <= {code for code, known in CODES.items() if known.refusal}


def test_a_refusal_with_a_code_of_the_edges_own_is_a_422() -> None:
    assert refused(Refusal("internal", "a rule of somebody's own says so")).status == 422
    assert refused(Refusal("of_my_own", "a rule of somebody's own says so")).status == 422
    assert refused(Refusal("muted", "for a minute")).status == 403
