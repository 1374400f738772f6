"""The package `parley`: the names that documentation tells people to import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import parley
from tests.docs.markdown import ROOT, blocks, pages

_PRIVATE = re.compile(r"^\s*(?:from|import) (?:app|agents|tables|web)\b", re.MULTILINE)


def _typed() -> dict[str, str]:
    """The names that a type checker sees in the package, with their modules."""
    tree = ast.parse((ROOT / "parley" / "__init__.py").read_text())
    (checking,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = (node for node in checking.body if isinstance(node, ast.ImportFrom))
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def test_a_type_checker_sees_the_names_that_there_are_at_run_time() -> None:
    assert _typed() == parley._MODULE_OF
    assert dir(parley) == sorted(_typed())


@pytest.mark.parametrize("name", sorted(parley._MODULE_OF))
def test_each_public_name_is_that_of_its_module(name: str) -> None:
    module = sys.modules.get(parley._MODULE_OF[name])
    found = getattr(parley, name)
    assert module is None or found is getattr(module, name)


def test_an_unknown_name_is_an_import_error() -> None:
    with pytest.raises(ImportError, match="no_such_name"):
        exec("from parley import no_such_name")


def test_a_rule_imports_no_stream_processing() -> None:
    program = "import sys, parley.rules; sys.exit('faust' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_documentation_imports_public_names_alone(page: Path) -> None:
    python = "\n".join(blocks(page, "python"))
    assert not _PRIVATE.findall(python)


def test_examples_import_public_names_alone() -> None:
    for file in (ROOT / "examples").glob("*.py"):
        assert not _PRIVATE.findall(file.read_text()), file
