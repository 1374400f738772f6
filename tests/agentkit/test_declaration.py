"""Mistakes in agents: each is told with its file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.agentkit.agent_files import agent_files, find_agent, scan
from app.agentkit.declaration import Agent
from app.agentkit.do import Do
from app.errors import AgentError, ParleyError
from app.events import MessageCreated

HERE = Path(__file__).name


def mistaken(make: Callable[[], object]) -> str:
    with pytest.raises(AgentError) as caught:
        make()
    told = str(caught.value)
    assert f"{HERE}:" in told, told
    return told


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"name": "Karma"}, "an agent's name is 1 to 24 of a-z 0-9 _ -"),
        ({"name": "k" * 25}, "an agent's name is 1 to 24 of a-z 0-9 _ -"),
        ({"name": "karma", "user": "a/b"}, "a user's id has no /"),
        ({"name": "karma", "may": ["shout"]}, "may: the verbs are say, react"),
        ({"name": "karma", "rate": "often"}, "a rate is a number by second"),
        ({"name": "karma", "zone": "Berlin"}, "there is no time zone 'Berlin'"),
        ({"name": "karma", "start": "yesterday"}, "start is 'now' or 'oldest'"),
    ],
)
def test_options_that_can_not_be_are_named(options: dict[str, object], reason: str) -> None:
    assert reason in mistaken(lambda: Agent(**options))  # type: ignore[arg-type]


def _handler(event: MessageCreated, do: Do, who: str) -> None: ...
def _plain(event: MessageCreated, do: Do) -> None: ...
def _alone(event: MessageCreated) -> None: ...
def _odd(event: MessageCreated, do: Do, when: complex) -> None: ...


@pytest.mark.parametrize(
    ("declare", "reason"),
    [
        (lambda a: a.on("message.craeted")(_plain), "did you mean 'message.created'?"),
        (lambda a: a.on("nothing at all")(_plain), "the kinds are room.created"),
        (lambda a: a.on("message.created", text="(")(_plain), "missing ), unterminated"),
        (lambda a: a.on("member.added", text="x")(_plain), "'member.added' has no text"),
        (lambda a: a.on("connection.opened", room="x")(_plain), "has no room"),
        (lambda a: a.on("message.created", by="me")(_plain), "by is one of people, agents, all"),
        (lambda a: a.on("message.created")(_handler), "nothing gives the parameter who"),
        (lambda a: a.on("message.created")(_alone), "a handler takes an event and `do`"),
        (lambda a: a.command("x")(_odd), "the word when is of type str, int, float"),
        (lambda a: a.command("help")(_plain), "and not help"),
        (lambda a: a.every("sometimes")(_plain), "'sometimes' is no schedule"),
        (lambda a: [a.command("x")(_plain), a.command("x")(_plain)], "/x is declared twice"),
        (lambda a: [a.timer(_plain), a.timer(_plain)], "is declared twice"),
        (lambda a: a.setting("url"), "set PARLEY_AGENT_TRIED_URL"),
    ],
)
def test_handlers_that_can_not_be_are_named(
    declare: Callable[[Agent[object]], object], reason: str
) -> None:
    assert reason in mistaken(lambda: declare(Agent("tried")))


def test_a_setting_of_an_agent_comes_from_its_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_AGENT_REPLY_BOT_URL", "http://x")
    assert Agent("reply-bot").setting("url") == "http://x"
    assert Agent("reply-bot").setting("other", "usual") == "usual"


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_the_agents_of_a_file_are_found_without_running_it(tmp_path: Path) -> None:
    file = tmp_path / "bots.py"
    file.write_text(
        "raise SystemExit\nfrom parley import Agent as A\nimport parley\n"
        'one = A("one")\ntwo = parley.Agent("two", table=int)\nthree = A[int]("three")\n'
    )
    assert scan(file).agents == {"one": 4, "two": 5, "three": 6}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("from parley import Agent\na = Agent(\n", "bots.py:2: "),
        (
            "from parley import Agent\nname = 'x'\na = Agent(name)\n",
            "bots.py:3: an agent's name is",
        ),
        (
            "from parley import Agent\na = Agent('x')\nb = Agent('x')\n",
            "bots.py:3: the agent x is declared in line 2",
        ),
    ],
)
def test_a_file_that_can_not_run_is_told_with_its_line(
    tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "bots.py").write_text(text)
    assert reason in scan(tmp_path / "bots.py").mistake


def test_the_second_of_two_agents_of_one_name_is_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text("from parley import Agent\na = Agent('same')\n")
    first, second = agent_files(str(tmp_path))
    assert first.agents == {"same": 2}
    assert f"two.py:2: the agent same is declared in {tmp_path}/one.py:2" in second.mistake


def test_a_plain_faust_agent_is_none_of_the_kit(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("from parley import group\napp = group('plain')\n")
    [found] = agent_files(str(tmp_path))
    assert found.is_plain


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import parley\n\n1 / 0\n", "bad.py:3: ZeroDivisionError: division by zero"),
        ("import no_such_module\n", "bad.py:1: ModuleNotFoundError: No module named"),
        ("exit(3)\n", "bad.py:1: SystemExit: 3"),
        ("from parley import Agent\n", "it has no single agent"),
        ("from parley import Agent\nAgent('B')\n", "bad.py:2: an agent's name is"),
    ],
)
def test_what_a_file_raises_is_told_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(AgentError) as caught:
        find_agent(tmp_path / "bad.py")
    assert reason in str(caught.value)


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(ParleyError, match="PARLEY_AGENTS is '/no/such/folder'"):
        agent_files("/no/such/folder")
