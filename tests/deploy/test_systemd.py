"""The units for hosts without containers, by systemd's own checks."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click import Context

from app.cli import parley
from app.settings import Settings
from app.worker.main import _STOP_SECONDS
from tests.conftest import SECRET, missing
from tests.docs.markdown import ROOT

FOLDER = ROOT / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
PROGRAM = "/opt/parley/bin/parley"

#: What `systemd-analyze security` may say at most, of 100: 1.5 is "OK", as the best of Debian's.
EXPOSURE = 15

every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)


def analyze(*arguments: str | Path) -> str:
    """Run systemd-analyze; fails with what it says where it finds a fault."""
    if shutil.which("systemd-analyze") is None:
        missing("systemd-analyze (Debian: apt-get install systemd)")
    command = ["systemd-analyze", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def values(unit: Path, name: str) -> list[str]:
    """The values that a unit gives a name."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def filled(text: str) -> str:
    """A text of a unit with systemd's specifiers filled in, for the instance 1."""
    known = {"%d": "/run/credentials/unit", "%i": "1", "%l": "host-1", "%S": "/var/lib"}
    return re.sub("%.", lambda found: known[found[0]], text)


@every_unit
def test_systemd_takes_the_unit(unit: Path, tmp_path: Path) -> None:
    # The program is not installed on this machine.
    here = tmp_path / unit.name.replace("@", "@1")
    here.write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
    told = analyze("verify", "--man=no", here)
    assert here.name not in told


@every_unit
def test_a_process_can_do_little_but_its_work(unit: Path) -> None:
    analyze("security", "--offline=true", f"--threshold={EXPOSURE}", unit)


@every_unit
def test_the_command_is_one_of_parley(unit: Path) -> None:
    program, name, *options = shlex.split(filled(*values(unit, "ExecStart")))
    assert program == PROGRAM
    command = parley.get_command(Context(parley), name)
    assert command is not None
    command.make_context(name, options)  # raises where it takes no such option


@every_unit
def test_the_settings_are_ones_that_parley_reads(unit: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "history").write_text("postgresql+psycopg://parley:secret@postgres/parley")
    lines = (FOLDER / "parley.env").read_text().splitlines()
    lines += [one for line in values(unit, "Environment") for one in shlex.split(filled(line))]
    environ = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    for name in ("secret", "history"):
        assert f"{name}:/etc/parley/{name}" in values(unit, "LoadCredential")
        variable = f"PARLEY_{name.upper()}_FILE"
        assert environ[variable] == f"/run/credentials/unit/{name}"
        environ[variable] = str(tmp_path / name)
    settings = Settings.read(environ)
    assert str(settings.data) == f"/var/lib/{filled(*values(unit, 'StateDirectory'))}"
    assert settings.replication == 3


@every_unit
def test_a_process_is_started_again_and_may_end_in_order(unit: Path) -> None:
    assert values(unit, "Restart") == ["always"]
    assert values(unit, "StartLimitIntervalSec") == ["0"]
    ending = 10 if "edge" in unit.name else _STOP_SECONDS
    assert float(*values(unit, "TimeoutStopSec")) >= ending + 10


def test_processes_of_a_host_have_metrics_of_their_own_and_edges_share_a_port() -> None:
    form = re.compile(r"PARLEY_PROMETHEUS_PORT=(\d+)%i")
    ports = {unit.name: form.findall(unit.read_text()) for unit in UNITS}
    assert ports["parley-worker@.service"] == ["946"]
    assert ports["parley-edge@.service"] == ["947"]
    # SO_REUSEPORT is for processes of one user.
    assert {name for unit in UNITS for name in values(unit, "User")} == {"parley"}


def test_workers_of_a_host_have_names_of_their_own() -> None:
    (unit,) = (unit for unit in UNITS if "worker" in unit.name)
    assert any("PARLEY_WORKER=%l-%i" in line for line in values(unit, "Environment"))
