"""A copy of Parley's sources with something taken out of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from app.local.supervisor import ROOT

_PACKAGES = ("app", "agents", "parley", "tables", "web")


def scratch(folder: Path, changes: Mapping[str, str]) -> Path:
    """Make the copy in `folder`, with each of `changes` made wherever its text is."""
    for package in _PACKAGES:
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=leave)
    for right, wrong in changes.items():
        changed = [_change(file, right, wrong) for file in folder.rglob("*.py")]
        assert any(changed), f"{right} is nowhere"
    return folder


def _change(file: Path, right: str, wrong: str) -> bool:
    before = file.read_text()
    file.write_text(before.replace(right, wrong))
    return right in before
