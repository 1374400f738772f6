"""The chat page's modules in Node.js: for functions that need no browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.conftest import missing

STATIC = Path(__file__).parents[2] / "web" / "static"

# Node.js evaluates `answer` with the page's module and the cases.
SCRIPT = """
import { readFileSync } from "node:fs";
const { url, cases } = JSON.parse(readFileSync(0, "utf8"));
const page = await import(url);
console.log(JSON.stringify(%s));
"""


@cache
def _copy() -> tempfile.TemporaryDirectory[str]:
    """The page in a folder of its own, whose package.json says that these are modules."""
    folder = tempfile.TemporaryDirectory(prefix="parley-page-")
    shutil.copytree(STATIC, folder.name, dirs_exist_ok=True)
    (Path(folder.name) / "package.json").write_text('{"type": "module"}')
    return folder


def evaluate(file: str, answer: str, cases: object = None) -> Any:
    """What a JavaScript expression over a module of the page and the cases says."""
    node = shutil.which("node")
    if node is None:
        missing("Node.js 18 or newer")
    given = json.dumps({"url": (Path(_copy().name) / file).as_uri(), "cases": cases})
    command = [node or "", "--input-type=module", "--eval", SCRIPT % answer]
    done = subprocess.run(
        command, input=given, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
