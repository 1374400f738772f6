"""The code of the last release, from git: what an upgrade begins with."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.docs.markdown import ROOT

#: There is no tag yet: the last commit before deployments had regions, which was the last change
#: of what workers and edges write. The newest tag takes its place once there is one.
_UNTAGGED = "f1ca8e2a846950fb2f384d8703dee115f3a17dde"


def last_release(folder: Path) -> Path:
    """The folder with the code of the last release, written there.

    Skips where git or the history is missing, as in a shallow clone or a copy without `.git`. In
    a whole clone under CI a release that is missing is a failure.
    """
    release = _git("describe", "--tags", "--abbrev=0", "--match", "v*").strip().decode()
    archive = _git("archive", "--format=zip", release or _UNTAGGED)
    if not archive:
        whole = _git("rev-parse", "--is-shallow-repository").strip() == b"false"
        if os.environ.get("CI") and whole:
            pytest.fail(f"git has a history, but not {release or _UNTAGGED}")
        pytest.skip("missing: the last release in git's history")
    with ZipFile(io.BytesIO(archive)) as files:
        files.extractall(folder)
    return folder


def _git(*arguments: str) -> bytes:
    """What git says; empty where it fails or is missing."""
    try:
        run = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        return b""
    return run.stdout if run.returncode == 0 else b""
