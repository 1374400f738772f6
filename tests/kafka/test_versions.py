"""Private names of aiokafka and Faust are used in two packages, with releases that were tested."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from app.errors import ParleyError
from app.kafka import versions
from app.kafka.versions import require_tested
from app.stream.versions import check_versions

_ROOT = Path(__file__).parents[2]
_LIBRARIES = ("aiokafka", "faust", "mode")
_ALLOWED = ("app/kafka/", "app/stream/")
#: Private by their form alone: named tuples, and what Python itself has.
_PUBLIC = {"_replace", "_asdict", "_fields", "_exit", "_current_frames"}


def test_the_installed_releases_are_tested_ones() -> None:
    check_versions()
    require_tested("aiokafka", "app/kafka/patch_rebootstrap.py")


@pytest.mark.parametrize("range_", [("99.0", "99.1"), ("0.0.1", "0.0.2")])
def test_another_release_is_refused_with_the_files_to_look_at(
    range_: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(versions._TESTED, "aiokafka", range_)
    with pytest.raises(ParleyError) as raised:
        require_tested("aiokafka", f"one/{range_[0]}.py", "other.py")
    assert f"aiokafka {version('aiokafka')} is installed" in str(raised.value)
    assert f"one/{range_[0]}.py, other.py" in str(raised.value)


def test_every_file_that_overrides_private_names_is_named_by_a_check() -> None:
    named = (_ROOT / "app/stream/versions.py").read_text()
    patches = sorted((_ROOT / "app/kafka").glob("patch_*.py"))
    assert patches
    for path in patches:
        assert f'require_tested("aiokafka", "app/kafka/{path.name}")' in path.read_text()
    for path in sorted((_ROOT / "app/stream").glob("*.py")):
        if any(_private_uses(path)):
            assert f'"app/stream/{path.name}"' in named, path.name


def test_no_other_package_uses_private_names_of_other_objects() -> None:
    wrong = [
        f"{path.relative_to(_ROOT)}:{line}: {text}"
        for package in ("app", "agents", "tables", "web", "examples")
        for path in sorted((_ROOT / package).rglob("*.py"))
        if not path.relative_to(_ROOT).as_posix().startswith(_ALLOWED)
        for line, text in [*_private_uses(path), *_patches(path)]
    ]
    assert wrong == []


def _private_uses(path: Path) -> Iterator[tuple[int, str]]:
    """Private attributes of anything but `self`, and private names that a library exports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            if not _is_own(node.value):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and _is_of_library(node.module):
            for alias in node.names:
                if _is_private(alias.name) or "._" in (node.module or ""):
                    yield node.lineno, f"from {node.module} import {alias.name}"


def _patches(path: Path) -> Iterator[tuple[int, str]]:
    """Assignments to attributes of what is imported from a library."""
    tree = ast.parse(path.read_text())
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree)
        for alias in getattr(node, "names", ())
        if (isinstance(node, ast.ImportFrom) and _is_of_library(node.module))
        or (isinstance(node, ast.Import) and _is_of_library(alias.name))
    }
    for node in ast.walk(tree):
        stored = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if stored and isinstance(node.value, ast.Name) and node.value.id in imported:
            yield node.lineno, ast.unparse(node)


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in _PUBLIC


def _is_own(value: ast.expr) -> bool:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id == "super"
    return isinstance(value, ast.Name) and value.id in {"self", "cls"}


def _is_of_library(module: str | None) -> bool:
    return (module or "").split(".")[0] in _LIBRARIES
