"""Plug-ins: importing the Python files of a folder that a setting names."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from app.errors import ParleyError


def import_folder(folder: str, package: str, variable: str) -> list[ModuleType]:
    """The folder's files, imported as modules of `package`; none for an empty name.

    Files whose names begin with `_` are left out. Raises `ParleyError` with the setting's
    `variable` where there is no such folder, and whatever a file raises.
    """
    return [import_file(path, package) for path in plugin_files(folder, variable)]


def plugin_files(folder: str, variable: str) -> list[Path]:
    """The files of the folder, in the order of their names; none for an empty name.

    Raises `ParleyError` as `import_folder` does.
    """
    if not folder:
        return []
    path = Path(folder)
    if not path.is_dir():
        raise ParleyError(f"{variable} is {folder!r}, which is not a folder")
    return sorted(file for file in path.glob("*.py") if not file.name.startswith("_"))


def import_file(path: Path, package: str) -> ModuleType:
    """One file, imported as a module of `package`; raises whatever it raises."""
    name = f"{package}.{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ParleyError(f"{path} can't be imported")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
