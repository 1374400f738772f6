from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from web.http.error_codes import CODES, REFUSALS

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \| .+ \|$", re.MULTILINE)


def raised() -> Iterator[tuple[str, int | None, str]]:
    """Every `Problem(status, code, …)` and `denied(code, …)` of the edge, with where it is."""
    for path in sorted((ROOT / "web").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            given = [arg.value if isinstance(arg, ast.Constant) else None for arg in node.args]
            match node.func.id, given:
                case "Problem", [int(status), str(code), *_]:
                    yield f"{path.name}:{node.lineno}", status, code
                case "denied", [str(code), *_]:
                    yield f"{path.name}:{node.lineno}", 401, code


def test_every_code_of_the_edge_is_in_the_table_with_its_status() -> None:
    found = list(raised())
    assert len(found) > 20
    wrong = [one for one in found if one[2] not in CODES or CODES[one[2]].status != one[1]]
    assert not wrong


def test_the_page_on_errors_has_the_table() -> None:
    rows = ROW.findall((ROOT / "docs" / "errors.md").read_text())
    assert rows == [(code, str(known.status)) for code, known in CODES.items()]


def test_every_code_that_our_pipeline_refuses_with_has_a_status() -> None:
    rules = "".join(path.read_text() for path in (ROOT / "app" / "domain").glob("*.py"))
    used = set(re.findall(r'Refusal\(\s*"(\w+)"', rules))
    assert used
    assert used <= REFUSALS <= CODES.keys()
