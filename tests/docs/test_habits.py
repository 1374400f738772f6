from __future__ import annotations

import re
import subprocess
import tomllib
from typing import Any

import yaml

from tests.docs.markdown import ROOT


def test_the_pre_commit_hooks_are_the_commands_of_make_lint() -> None:
    hooks = [hook for repo in _pre_commit()["repos"] for hook in repo["hooks"]]
    assert [hook["entry"] for hook in hooks] == _recipe("lint")


def test_the_pre_commit_hooks_fetch_nothing() -> None:
    for repo in _pre_commit()["repos"]:
        assert repo["repo"] == "local"
        assert {hook["language"] for hook in repo["hooks"]} == {"system"}
        assert not any(hook["pass_filenames"] for hook in repo["hooks"])


def test_the_licence_that_the_package_names_is_the_one_in_the_tree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    (file,) = project["license-files"]
    assert re.match(r"\s+Apache License\s+Version 2\.0,", (ROOT / file).read_text())


def test_every_place_names_the_same_versions_of_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"])
    assert bounds is not None
    least, beyond = map(int, bounds.groups())
    said = f"Python 3.{least} to 3.{beyond - 1}"
    assert said in (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert said in makefile
    assert f"(3, {least}) <= sys.version_info < (3, {beyond})" in makefile
    minors = [str(minor) for minor in range(least, beyond)]
    assert re.findall(r"command -v python3\.(\d+)", makefile) == minors
    assert re.findall(r"Python :: 3\.(\d+)", " ".join(project["classifiers"])) == minors


def test_make_help_has_a_line_for_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    helped = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = re.findall(r"^  make ([a-z-]+) +(\S.*)$", helped.stdout, re.MULTILINE)
    assert [target for target, _ in lines] == targets
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert sorted(phony[1].split()) == sorted(targets)


def _pre_commit() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    return found


def _recipe(target: str) -> list[str]:
    """The commands of a target in the Makefile, as the shell gets them."""
    makefile = (ROOT / "Makefile").read_text().replace("$(bin)", ".venv/bin")
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert found is not None, f"no target {target}"
    return [line.removeprefix("\t").removeprefix("@") for line in found[1].splitlines()]
