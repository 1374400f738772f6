"""What pyproject.toml can't say: in a wheel, the packages of the source tree are inside `parley`.

`app`, `agents`, `tables` and `web` are names that other distributions have too (PyTables installs
`tables`), and pip overwrites the files of one with those of the other. A wheel therefore installs
`parley.app`, `parley.agents` and so on, and names in their sources are rewritten. An editable
install leaves the packages as they are in the tree. docs/decisions/wheel-names.md has the reasons.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

_ROOT = Path(__file__).parent
_HOME = "parley"
_MOVED = ("agents", "app", "tables", "web")

_TOP = rf"(?:{'|'.join(_MOVED)})\b"
#: A module's name, as `python -m` takes it, or with `:attribute` as in an entry point.
_MODULE = re.compile(rf"({_TOP}(?:\.\w+)+)(?::[\w.]+)?")

_Edit = tuple[str, str]
_FROM: _Edit = (r"(from\s+)", rf"\1{_HOME}.")
_IMPORT_AS: _Edit = (r"(import\s+)", rf"\1{_HOME}.")
_IMPORT_TOP: _Edit = (r"(import\s+\w+)", rf"from {_HOME} \1")
_IMPORT_BELOW: _Edit = (
    r"import\s+((\w+)[\w.]*)",
    rf"from {_HOME} import \2; import {_HOME}.\1",
)
_STRING: _Edit = (r"(\w*(?:'''|\"\"\"|'|\"))", rf"\1{_HOME}.")


class Wheel(bdist_wheel):
    """A wheel in which the packages of the tree are inside `parley`."""

    def run(self) -> None:
        """Build it."""
        _move(self.distribution)
        super().run()


class Modules(build_py):
    """Copies modules, with the names in them as they are where they are copied to."""

    def run(self) -> None:
        """Copy them."""
        super().run()
        if self.editable_mode:
            return
        for file in (Path(self.build_lib) / _HOME).rglob("*.py*"):
            if file.suffix in {".py", ".pyi"}:
                file.write_text(moved(file.read_text("utf-8")), "utf-8")


def _move(distribution: Distribution) -> None:
    """Put the packages, their data and their extensions into `parley`; their files stay."""
    packages = [name for name in distribution.packages or [] if _is_moved(name)]
    distribution.package_dir = {_inside(top): top for top in _MOVED}
    distribution.packages = [
        *(name for name in distribution.packages or [] if not _is_moved(name)),
        *(_inside(name) for name in packages),
    ]
    distribution.package_data = {
        _inside(name) if _is_moved(name) else name: patterns
        for name, patterns in (distribution.package_data or {}).items()
    }
    for extension in distribution.ext_modules or []:
        extension.name = _inside(extension.name)


def moved(source: str) -> str:
    """A module's source with the names that it has in a wheel.

    Rewritten are imports, strings that are the name of a module of the tree (`"app.cli"`,
    `"web.edge:run"`), and f-strings that begin with one (`f"app.{name}"`). Lines keep their
    numbers, and a second time changes nothing.
    """
    edits = {
        (node.lineno - 1, node.col_offset): edit
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt | ast.expr) and (edit := _edit(node)) is not None
    }
    lines = source.encode().splitlines(keepends=True)
    for (number, column), (pattern, instead) in sorted(edits.items(), reverse=True):
        before, text = lines[number][:column], lines[number][column:].decode()
        if not re.match(pattern, text):
            raise SyntaxError(f"can't rewrite for a wheel: {text.strip()}")
        lines[number] = before + re.sub(pattern, instead, text, count=1).encode()
    return b"".join(lines).decode()


def _edit(node: ast.stmt | ast.expr) -> _Edit | None:
    """A node's pattern and what takes its place."""
    match node:
        case ast.ImportFrom(level=0, module=str(name)) if _is_moved(name):
            return _FROM
        case ast.Import(names=names) if any(_is_moved(each.name) for each in names):
            if len(names) > 1:
                raise SyntaxError(f"can't rewrite for a wheel: {ast.unparse(node)}")
            if names[0].asname:
                return _IMPORT_AS
            return _IMPORT_BELOW if "." in names[0].name else _IMPORT_TOP
        case ast.Constant(value=str(text)) if _names_module(text):
            return _STRING
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), *_]) if re.match(
            rf"{_TOP}\.", text
        ):
            return _STRING
    return None


def _is_moved(name: str) -> bool:
    return name.partition(".")[0] in _MOVED


def _inside(name: str) -> str:
    return f"{_HOME}.{name}"


def _names_module(text: str) -> bool:
    """Whether the text is the name of a module of the tree, perhaps with an attribute."""
    found = _MODULE.fullmatch(text)
    if found is None:
        return False
    path = _ROOT.joinpath(*found[1].split("."))
    return path.is_dir() or any(path.with_suffix(suffix).is_file() for suffix in (".py", ".pyi"))


if __name__ == "__main__":
    setup(cmdclass={"bdist_wheel": Wheel, "build_py": Modules})
