"""The cost of moderation for a message, and the evasions that it misses.

Times the chain of rules without a hook, message by message: once with the lists of a folder
(`--words`), once with 30,000 phrases. Messages are those of a folder of chat logs (`--texts`), or
made up. Then it times messages that are made to be slow, and holds the word rule against the
committed evasions and innocent near-misses.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from app.domain.chatlog import parse as parse_log
from app.domain.moderation.pace import Pace, after
from app.domain.moderation.rule import Facts, Message
from app.domain.moderation.ruleset import RuleSet, parse
from app.domain.moderation.ruling import judge as ruling_of
from app.moderation.rule_plugins import rule_kinds
from bench.evasions import Score, innocent, score
from bench.figures import Goal, judge, keep, table
from bench.worst_cases import SIZE, worst_cases

_SHARED = Path(__file__).parent.parent.parent / "shared" / "corpus"
_GOAL_US = 50.0
_PHRASES = 30_000
_WORST_MS = 40.0

_OTHERS = """
[links]
block = ["spam.example"]
[flood]
messages = 50
seconds = 10
[repeated]
times = 5
seconds = 60
[length]
characters = 2000
[mentions]
most = 20
[newcomers]
minutes = 10
exempt = "moderator"
"""


@click.command(help=__doc__, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--texts", type=click.Path(path_type=Path), default=_SHARED / "irc")
@click.option("--words", type=click.Path(path_type=Path), default=_SHARED / "words")
@click.option("--messages", default=20_000, show_default=True, help="Messages timed at most.")
def main(texts: Path, words: Path, messages: int) -> None:
    """Run and report."""
    said = _said(texts)[:messages]
    listed = [line for file in sorted(words.glob("*.txt")) for line in _lines(file)]
    costs = {
        f"{len(listed)} words of two lists": _measure(listed, said),
        f"{_PHRASES} phrases": _measure(_made_up(_PHRASES), said),
    }
    rows = [[name, *(f"{cost[key]:.1f}" for key in cost)] for name, cost in costs.items()]
    click.echo(f"{len(said)} messages")
    click.echo(table(["µs a message", "p50", "p90", "p99", "mean"], rows))
    click.echo("")
    worst = {name: _worst(rules, text) for name, (rules, text) in worst_cases().items()}
    rows = [[name, f"{took:.1f}"] for name, took in worst.items()]
    click.echo(table([f"ms a message of {SIZE} characters", "least of 5"], rows))
    click.echo("")
    found = score()
    _tell(found)
    goals = [*_goals(costs, found), *_worst_goals(worst)]
    result: dict[str, Any] = {"microseconds": costs, "recall": found.recall, "worst_ms": worst}
    result |= {"precision": found.precision, "missed": found.missed, "wronged": found.wronged}
    click.echo(f"kept in {keep('moderation', result)}")
    click.echo(judge(goals))


def _said(folder: Path) -> list[tuple[str, str]]:
    files = sorted(folder.glob("*.txt"))
    lines = [line for file in files for line in parse_log(file.read_bytes()).lines]
    if lines:
        return [(line.nick, line.text) for line in lines]
    chance = random.Random(1)
    texts = innocent()
    return [("ann", " ".join(chance.sample(texts, 3))) for _ in range(10_000)]


def _lines(file: Path) -> list[str]:
    return [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]


def _made_up(count: int) -> list[str]:
    """Phrases as long lists have them: a word or two, a third of them Chinese."""
    chance = random.Random(2)
    letters = "abcdefghijklmnoprstuvwyz"

    def word() -> str:
        return "".join(chance.choices(letters, k=chance.randint(5, 10)))

    def han() -> str:
        return "".join(chr(chance.randint(0x4E00, 0x9FA5)) for _ in range(chance.randint(2, 5)))

    kinds = (word, lambda: f"{word()} {word()}", han)
    return [chance.choice(kinds)() for _ in range(count)]


def _rules(words: Sequence[str]) -> RuleSet:
    source = '[words]\nfiles = ["list"]\n' + _OTHERS if words else _OTHERS
    return parse(source, {"list": words}, rule_kinds(), 1)


def _measure(words: Sequence[str], said: Sequence[tuple[str, str]]) -> dict[str, float]:
    rules = _rules(words)
    ruling_of(Message("", "", "w4rm uppp w a r m"), Facts(), rules)
    paces: dict[str, Pace] = {}
    took: list[int] = []
    for place, (nick, text) in enumerate(said):
        pace = paces.get(nick, Pace())
        at_ms = place * 400
        facts = Facts("member", True, 0, pace.times, pace.texts)
        started = time.perf_counter_ns()
        message = Message("room", nick, text, at_ms=at_ms)
        ruling_of(message, facts, rules)
        paces[nick] = after(pace, at_ms, message.folded.text)
        took.append(time.perf_counter_ns() - started)
    ordered = sorted(took)
    ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    cost = {name: ordered[int(rank * len(ordered))] / 1000 for name, rank in ranks.items()}
    return cost | {"mean": sum(took) / len(took) / 1000}


def _worst(rules: RuleSet, text: str) -> float:
    """The milliseconds that judging the message takes, without what other processes take."""
    ruling_of(Message("", "", "w4rm uppp w a r m"), Facts(), rules)
    took = []
    for _ in range(5):
        started = time.perf_counter_ns()
        ruling_of(Message("room", "ann", text), Facts(), rules)
        took.append(time.perf_counter_ns() - started)
    return min(took) / 1e6


def _worst_goals(worst: dict[str, float]) -> list[Goal]:
    return [
        Goal(f"at most {_WORST_MS:.0f} ms: {name}", took <= _WORST_MS, f"{took:.1f} ms")
        for name, took in worst.items()
    ]


def _tell(found: Score) -> None:
    caught = found.evasions - len(found.missed)
    click.echo(f"{caught} of {found.evasions} evasions caught; not caught:")
    for kind, text in found.missed:
        click.echo(f"  {kind}: {text}")
    click.echo(f"{len(found.wronged)} of {found.innocent} innocent texts caught")
    for text, phrase in found.wronged:
        click.echo(f"  {text}: {phrase}")
    click.echo(f"recall {found.recall:.1%}, precision {found.precision:.1%}")


def _goals(costs: dict[str, dict[str, float]], found: Score) -> list[Goal]:
    return [
        *(
            Goal(
                f"at most {_GOAL_US:.0f} µs at the median, {name}",
                cost["p50"] <= _GOAL_US,
                f"{cost['p50']:.1f} µs",
            )
            for name, cost in costs.items()
        ),
        Goal("95 % of the evasions caught", found.recall >= 0.95, f"{found.recall:.1%}"),
        Goal("no innocent text caught", not found.wronged, f"{len(found.wronged)}"),
    ]


if __name__ == "__main__":
    main()
