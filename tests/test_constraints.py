from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parents[1]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)$")


def test_each_package_that_parley_and_its_tests_need_is_pinned() -> None:
    missing = _needed() - _pins().keys()
    assert not missing, f"add to constraints.txt: {', '.join(sorted(missing))}"


def test_the_environment_of_the_tests_has_the_pinned_versions() -> None:
    pins = _pins()
    installed = {name: distribution(name).version for name in _needed()}
    assert {name: pins.get(name) for name in installed} == installed


def test_each_package_is_pinned_once_in_alphabetical_order() -> None:
    names = [_PIN.match(line)[1] for line in _lines()]  # type: ignore[index]
    assert names == sorted(set(names), key=str.lower)


def _lines() -> list[str]:
    lines = (_ROOT / "constraints.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _pins() -> dict[str, str]:
    """Each pinned package with its version."""
    matches = [_PIN.match(line) for line in _lines()]
    return {canonicalize_name(match[1]): match[2] for match in matches if match}


def _needed() -> set[str]:
    """The packages that `pip install -e . --group dev` brings on this machine, by metadata."""
    pyproject = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    asked = [*pyproject["project"]["dependencies"], *pyproject["dependency-groups"]["dev"]]
    waiting = [(Requirement(text), frozenset[str]()) for text in asked]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement, extras = waiting.pop()
        if not _applies(requirement, extras):
            continue
        package = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if package in seen:
            continue
        seen.add(package)
        waiting.extend((Requirement(text), package[1]) for text in _requires(package[0]))
    return {name for name, _ in seen}


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    """Whether a requirement holds here, for a package of which these extras are asked."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": e}) for e in extras | {""})


def _requires(package: str) -> list[str]:
    try:
        return distribution(package).requires or []
    except PackageNotFoundError:
        raise AssertionError(f"{package} is not installed: `make setup lint` installs it") from None
