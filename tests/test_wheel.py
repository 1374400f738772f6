"""A wheel, built and installed beside distributions that have packages of the tree's names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import aiohttp
import pytest

from app.embedded.child import Child
from app.embedded.kafka import Kafka
from app.embedded.ports import free_port
from app.embedded.valkey import Valkey
from app.settings import Settings
from tests.conftest import SECRET
from tests.support.chat import until

_ROOT = Path(__file__).parents[1]
_MOVED = ("agents", "app", "tables", "web")

#: What the others' packages say of themselves, and what one of their programs imports.
_OTHERS = "import agents, app, tables, web\n" + "".join(
    f"assert {name}.OWNER == 'somebody else', {name}.__file__\n" for name in _MOVED
)

#: Imports all of an installed Parley, and none of the tree's names: not even in a `try`.
_IMPORT_ALL = f"""
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {_MOVED}:
            sys.exit(f"something imports {{name}}")

sys.meta_path.insert(0, Refuse())
import parley
from parley.app.settings import Settings
from parley.app.stream.consumer_groups import activate
activate(Settings.read())
for module in pkgutil.walk_packages(parley.__path__, "parley."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
    print(module.name)
"""


class Environment:
    """A virtual environment with the libraries of the one that runs the tests."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        self.parley = folder / "bin" / "parley"
        (self.packages,) = folder.glob("lib/python*/site-packages")
        # Behind its own packages, and without what an editable install does in a `.pth` file.
        libraries = sysconfig.get_path("purelib")
        (self.packages / "libraries.pth").write_text(f"{libraries}\n")

    def install(self, *wheels: Path) -> None:
        with self._alone():
            self._pip("install", "--no-deps", "--no-index", *wheels)

    def uninstall(self, *names: str) -> None:
        with self._alone():
            self._pip("uninstall", "--yes", *names)

    def run(self, *command: str | Path, **environ: str) -> str:
        """What a command prints, run in a folder that has nothing to import."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            command,
            cwd=self.packages.parent,
            env={**kept, **environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _pip(self, command: str, *arguments: str | Path) -> None:
        pip = (sys.executable, "-m", "pip", "--python", self.python, command, "--quiet")
        self.run(*pip, *arguments)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Without the libraries, so that pip sees what is installed here alone."""
        libraries = self.packages / "libraries.pth"
        said = libraries.read_text()
        libraries.unlink()
        try:
            yield
        finally:
            libraries.write_text(said)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a wheel is built from, as it would be in a fresh checkout."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(_ROOT / name, copy)
    for name in (*_MOVED, "parley"):
        ignore = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(_ROOT / name, copy / name, ignore=ignore)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of somebody else's, with a package of each of the tree's names."""
    file = tmp_path_factory.mktemp("others") / "others-1.0-py3-none-any.whl"
    info = "others-1.0.dist-info"
    with ZipFile(file, "w") as archive:
        for name in _MOVED:
            archive.writestr(f"{name}/__init__.py", "OWNER = 'somebody else'\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "".join(f"{each},,\n" for each in archive.namelist()))
    return file


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "environment")


def built(source: Path, folder: Path) -> Path:
    """The wheel of a source tree or archive, built with what is installed here."""
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"),
            *("--no-build-isolation", "--wheel-dir", folder, source),
        ],
        check=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    (file,) = folder.glob("*.whl")
    return file


def names(wheel: Path) -> list[str]:
    with ZipFile(wheel) as archive:
        return sorted(archive.namelist())


def test_a_wheel_installs_one_package(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in names(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"parley"}


def test_a_wheel_has_the_data_and_the_extensions_of_the_tree(wheel: Path, source: Path) -> None:
    inside = names(wheel)
    kinds = {".py", ".pyi", ".lua", ".xml", ".txt", ".html", ".js", ".css", ".svg"}
    for top in _MOVED:
        for file in (source / top).rglob("*"):
            if file.is_file() and file.suffix in kinds:
                assert f"parley/{file.relative_to(source)}" in inside
    for extension in (c for top in _MOVED for c in (source / top).rglob("_*.c")):
        module = extension.relative_to(source).with_suffix("")
        if list(_ROOT.glob(f"{module}.*.so")):  # there is a compiler
            assert any(name.startswith(f"parley/{module}.cp") for name in inside)
    assert "parley/py.typed" in inside


def test_a_wheel_by_way_of_a_source_archive_is_the_same(
    source: Path, wheel: Path, tmp_path: Path
) -> None:
    make = f"from setuptools import build_meta; build_meta.build_sdist({str(tmp_path)!r})"
    copy = shutil.copytree(source, tmp_path / "copy", ignore=shutil.ignore_patterns("build"))
    subprocess.run([sys.executable, "-Wignore", "-c", make], cwd=copy, check=True, stdout=-3)
    (archive,) = tmp_path.glob("*.tar.gz")
    assert names(built(archive, tmp_path)) == names(wheel)


@pytest.mark.parametrize("first", ["parley", "others"])
def test_a_wheel_and_others_of_the_same_names_leave_each_other_alone(
    first: str, wheel: Path, others: Path, environment: Environment
) -> None:
    for file in (wheel, others) if first == "parley" else (others, wheel):
        environment.install(file)
    environment.run(environment.python, "-c", _OTHERS)
    assert "Usage: parley doctor" in environment.run(environment.parley, "doctor", "--help")
    environment.uninstall(first)
    if first == "parley":
        environment.run(environment.python, "-c", _OTHERS)
    else:
        assert "Usage: parley" in environment.run(environment.parley, "--help")


def test_nothing_in_a_wheel_imports_by_a_name_of_the_tree(
    wheel: Path, environment: Environment, tmp_path: Path
) -> None:
    environment.install(wheel)
    program = (environment.python, "-c", _IMPORT_ALL)
    imported = environment.run(*program, PARLEY_DATA=str(tmp_path / "data")).split()
    assert {"parley.app.cli", "parley.agents.rooms", "parley.web.edge"} <= set(imported)
    assert len(imported) > len(_MOVED)


async def test_parley_up_runs_from_a_wheel_with_agents_that_import_the_others(
    wheel: Path, others: Path, environment: Environment, tmp_path: Path
) -> None:
    environment.install(wheel, others)
    own = tmp_path / "own"
    own.mkdir()
    (own / "own.py").write_text(f"{_OTHERS}open({str(tmp_path / 'imported')!r}, 'w').close()\n")
    async with Kafka(tmp_path / "kafka") as kafka, Valkey(tmp_path / "valkey") as valkey:
        settings = Settings(
            broker=kafka.url,
            redis=valkey.url,
            data=tmp_path / "data",
            secret=SECRET,
            port=free_port(),
            agents=str(own),
        )
        up = Child(
            [environment.parley, "up"],
            tmp_path / "up.log",
            {**settings.environ(), "PYTHONPATH": ""},
        )
        up.start()
        try:
            await until(lambda: _lobby(settings), up.tail)
        finally:
            await up.stop(30)
    assert (tmp_path / "imported").exists()


async def _lobby(settings: Settings) -> bool:
    """Whether the demo room takes a message."""
    from app.runtime.dev_tokens import mint

    headers = {"Authorization": f"Bearer {mint(settings, 'ann')}", "Prefer": "wait=5"}
    url = f"http://127.0.0.1:{settings.port}/v1/rooms/lobby/messages"
    try:
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(url, json={"text": "hello", "client_id": "once"}) as answer,
        ):
            # 200: an earlier attempt under the client id was answered with 202.
            return answer.status in {200, 201}
    except aiohttp.ClientError:
        return False


@pytest.fixture(scope="module")
def moved() -> Callable[[str], str]:
    """`moved` of setup.py, which is no module of the project."""
    spec = spec_from_file_location("setup_of_parley", _ROOT / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[[str], str] = module.moved
    return found


@pytest.mark.parametrize(
    ("source", "becomes"),
    [
        ("from app.errors import ParleyError", "from parley.app.errors import ParleyError"),
        ("from app import errors", "from parley.app import errors"),
        ("from web.edge import (\n    run,\n)", "from parley.web.edge import (\n    run,\n)"),
        ("def f():\n    from app.cli import main", "def f():\n    from parley.app.cli import main"),
        ("é = 1; from app import cli", "é = 1; from parley.app import cli"),
        ("import agents", "from parley import agents"),
        ("import agents as shipped", "import parley.agents as shipped"),
        ("import app.cli as c", "import parley.app.cli as c"),
        ("import app.cli", "from parley import app; import parley.app.cli"),
        ("run('app.cli')", "run('parley.app.cli')"),
        ('run("-m", "app.cli", x)', 'run("-m", "parley.app.cli", x)'),
        ('run("web.edge:run")', 'run("parley.web.edge:run")'),
        ('run(f"app.{name}")', 'run(f"parley.app.{name}")'),
        ('run(f"{agents.__name__}.{name}")', 'run(f"{agents.__name__}.{name}")'),
    ],
)
def test_names_of_the_tree_are_rewritten(
    source: str, becomes: str, moved: Callable[[str], str]
) -> None:
    assert moved(source) == becomes
    assert moved(becomes) == becomes


@pytest.mark.parametrize(
    "source",
    [
        "from aiohttp import web\nweb.run_app(app.router)",
        "from . import app",
        "from application import app",
        "import webbrowser",
        "part = 'tables'",
        "log.info('app.nothing of that name')",
        "log.info('tables follow the log')",
        "log.info('web.nowhere')",
        "app = {'app': 1}['app']",
        "'''Text that says app.cli among other things.'''",
        'say(f"tables of {name}")',
    ],
)
def test_everything_else_stays(source: str, moved: Callable[[str], str]) -> None:
    assert moved(source) == source


def test_an_import_that_cannot_be_rewritten_fails_the_build(moved: Callable[[str], str]) -> None:
    with pytest.raises(SyntaxError, match="can't rewrite"):
        moved("import os, app.cli")
