"""Files with agents: which agents each declares, found without running the file.

Each agent runs in a process of its own. The worker that starts those processes must not import the
files: one that blocks, or takes all memory, would stop the chat.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from app.agentkit.declaration import Agent
from app.errors import AgentError
from app.runtime.plugins import import_file, plugin_files


class AgentFile(NamedTuple):
    """A file, and the agents that it declares: each name with its line.

    `mistake` says why nothing of it can run. A file without agents of the kit has neither.
    """

    path: Path
    agents: dict[str, int]
    mistake: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it has no agent of the kit: plain Faust agents, which the worker imports."""
        return not self.agents and not self.mistake


def agent_files(folder: str) -> list[AgentFile]:
    """The files of a folder; an agent that two of them declare is the first one's alone.

    Raises `ParleyError` where there is no such folder.
    """
    found: list[AgentFile] = []
    seen: dict[str, str] = {}
    for path in plugin_files(folder, "PARLEY_AGENTS"):
        file = scan(path)
        for name, line in file.agents.items():
            if name in seen:
                mistake = f"{path}:{line}: the agent {name} is declared in {seen[name]} already"
                file = AgentFile(path, {}, mistake)
                break
        seen |= {name: f"{path}:{line}" for name, line in file.agents.items()}
        found.append(file)
    return found


def scan(path: Path) -> AgentFile:
    """The agents that a file declares."""
    try:
        tree = ast.parse(path.read_text("utf-8"), str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        return AgentFile(path, {}, f"{path}:{line}: {error}")
    makers = set(_makers(tree))
    agents: dict[str, int] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or _called(node) not in makers:
            continue
        first = node.args[0] if node.args else None
        if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
            return AgentFile(path, {}, f"{path}:{node.lineno}: an agent's name is a plain text")
        if first.value in agents:
            known = agents[first.value]
            mistake = f"{path}:{node.lineno}: the agent {first.value} is declared in line {known}"
            return AgentFile(path, {}, mistake)
        agents[first.value] = node.lineno
    return AgentFile(path, agents)


def find_agent(path: Path | str, name: str = "") -> Agent[Any]:
    """Import a file and return its agent of that name, or its only one; raises `AgentError`."""
    path = Path(path)
    try:
        module = import_file(path, "own_agents")
    except AgentError:
        raise
    except BaseException as error:
        raise AgentError(f"{_where(path, error)}: {type(error).__name__}: {error}") from error
    agents = [one for one in vars(module).values() if isinstance(one, Agent)]
    chosen = [one for one in agents if name in ("", one.name)]
    if len(chosen) != 1:
        known = ", ".join(one.name for one in agents) or "none"
        raise AgentError(f"{path}: it has no single agent {name or 'of its own'}; it has {known}")
    return chosen[0]


def _makers(tree: ast.Module) -> Iterator[str]:
    """What the file calls `Agent`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "parley":
            yield from (one.asname or one.name for one in node.names if one.name == "Agent")
        elif isinstance(node, ast.Import):
            yield from (
                f"{one.asname or one.name}.Agent" for one in node.names if one.name == "parley"
            )


def _called(node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Subscript):
        function = function.value
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return f"{function.value.id}.{function.attr}"
    return ""


def _where(path: Path, error: BaseException) -> str:
    """The line of the file that an exception went through last."""
    line, frame = 1, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == str(path):
            line = frame.tb_lineno
        frame = frame.tb_next
    return f"{path}:{line}"
