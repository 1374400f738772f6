"""Rule plug-ins: the files of `app/domain/moderation/kinds/` and of a folder of your own."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from app.domain.moderation import kinds
from app.domain.moderation.rule import Rule
from app.domain.moderation.ruleset import Kind
from app.errors import ParleyError
from app.runtime.plugins import import_folder


@cache
def rule_kinds(folder: str = "") -> dict[str, Kind]:
    """Every kind of rule by its file's name, Parley's and those of `folder` (`PARLEY_RULES`).

    Raises `ParleyError` for a file that is not a rule, and whatever the import of a file raises.
    """
    shipped = [import_module(f"{kinds.__name__}.{m.name}") for m in iter_modules(kinds.__path__)]
    own = import_folder(folder, "own_rules", "PARLEY_RULES")
    return {kind.name: kind for kind in map(_kind, (*shipped, *own))}


def _kind(module: ModuleType) -> Kind:
    settings, judge = getattr(module, "Settings", None), getattr(module, "judge", None)
    name = module.__name__.rpartition(".")[2]
    if not (isinstance(settings, type) and issubclass(settings, Rule) and callable(judge)):
        raise ParleyError(f"{module.__file__} is not a rule: it needs Settings, a Rule, and judge")
    return Kind(name, settings, judge)
