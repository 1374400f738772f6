"""Discovery of agents: each file of `agents/`, and each file of the folder for your own."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

from app.runtime.plugins import import_folder

#: The folder of the package `agents`, beside `app` in the tree and in a wheel.
_AGENTS: Final = Path(__file__).parents[2] / "agents"


def discover(folder: str = "") -> list[str]:
    """Import every agent, Parley's and those of `folder`; the names of their modules.

    Raises whatever a file raises: an agent that is skipped silently would be missed days later.
    Files whose names begin with `_` are not agents.
    """
    found = [f"agents.{module.name}" for module in iter_modules([str(_AGENTS)])]
    for name in found:
        import_module(name)
    return found + [
        module.__name__ for module in import_folder(folder, "own_agents", "PARLEY_AGENTS")
    ]
