"""Discovery of agents: each file of `agents/`, and each file of the folder for your own."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

from app.runtime.plugins import import_file

#: The folder of the package `agents`, beside `app` in the tree and in a wheel.
_AGENTS: Final = Path(__file__).parents[2] / "agents"


def discover(files: Iterable[Path] = ()) -> list[str]:
    """Import every agent, Parley's and those of the files; the names of their modules.

    Raises whatever a file raises: an agent that is skipped silently would be missed days later.
    """
    found = [f"agents.{module.name}" for module in iter_modules([str(_AGENTS)])]
    for name in found:
        import_module(name)
    return found + [import_file(path, "own_agents").__name__ for path in files]
