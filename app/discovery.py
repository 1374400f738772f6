"""Finding the agents: each file of `agents/` is one, and each file of the folder of your own."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from pkgutil import iter_modules

import agents
from app.errors import ParleyError


def discover(folder: str = "") -> list[str]:
    """Import every agent, Parley's and those of `folder`; the names of their modules.

    A file that fails to import raises what it raised: an agent that is skipped in silence is
    found out about days later. Files whose name begins with `_` are no agents.
    """
    found = [f"agents.{module.name}" for module in iter_modules(agents.__path__)]
    for name in found:
        import_module(name)
    return found + [_import_file(path) for path in _files(folder)]


def _files(folder: str) -> list[Path]:
    if not folder:
        return []
    path = Path(folder)
    if not path.is_dir():
        raise ParleyError(f"PARLEY_AGENTS is {folder!r}, which is not a folder")
    return sorted(file for file in path.glob("*.py") if not file.name.startswith("_"))


def _import_file(path: Path) -> str:
    name = f"own_agents.{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ParleyError(f"{path} can't be imported")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return name
