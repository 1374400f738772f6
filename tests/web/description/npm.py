"""Programs of npm's, in a folder of a test's own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.conftest import missing


def install(folder: Path, *packages: str) -> None:
    """Install these packages; skips the test where there is no npm, or nothing to fetch from."""
    if shutil.which("npm") is None:
        missing("npm and Node.js 18 or newer")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefer-offline"]
    if subprocess.run([*command, *packages], cwd=folder, timeout=150, check=False).returncode:
        missing("what npm install fetches")


def run(folder: Path, *command: str) -> str:
    """What a command prints; fails with all that it says where it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
