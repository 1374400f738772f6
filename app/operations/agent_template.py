"""The files that `parley agents new` writes: an agent, and its test."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from app.domain.agents.causes import NAME
from app.errors import ParleyError

_AGENT: Final = '''\
"""What {name} is for."""

from parley import Agent, Do, MessageCreated

{variable} = Agent("{name}", table=int)


@{variable}.on("message.created", text=r"^hello\\b")
def greet(event: MessageCreated, do: Do[int]) -> None:
    """Answer each greeting, and count them."""
    do.table[event.by] += 1
    do.say(f"Hello {{event.by}}, that was number {{do.table[event.by]}}.", reply_to=event)
'''

_TEST: Final = '''\
"""What {name} does, without Kafka: each event once, doubled, and with a crash after it."""

from pathlib import Path

from parley.testing import load, play

agent = load(Path(__file__).parents[1] / "{file}", "{name}")


def test_a_greeting_is_answered_and_counted() -> None:
    played = play(agent, "ann: hello", "ben: well, hello", "ann: hello again")
    assert played.said == ["Hello ann, that was number 1.", "Hello ann, that was number 2."]
    assert played.table == {{"ann": 2}}
'''


def write_agent(folder: Path, name: str) -> list[Path]:
    """Write an agent and its test into the folder; raises `ParleyError` where a file is there."""
    if not NAME.fullmatch(name):
        raise ParleyError(f"an agent's name is 1 to 24 of a-z 0-9 _ -, a letter first: {name!r}")
    variable = name.replace("-", "_")
    agent, test = folder / f"{variable}.py", folder / "tests" / f"test_{variable}.py"
    for path in (agent, test):
        if path.exists():
            raise ParleyError(f"{path} is there already")
    test.parent.mkdir(parents=True, exist_ok=True)
    agent.write_text(_AGENT.format(name=name, variable=variable))
    test.write_text(_TEST.format(name=name, file=agent.name))
    return [agent, test]
