"""Texts to send: real chat logs where this machine has them, else made-up text."""

from __future__ import annotations

import random
from pathlib import Path

from app.domain import chatlog

_FOLDER = Path(__file__).parents[1].parent / "shared" / "corpus" / "irc"
_WORDS = "the a room tea so then maybe because kernel works here thanks window again and not"


def texts() -> list[str]:
    """Messages of chat logs in their order, or 5,000 made-up ones, the same each time."""
    lines = [
        line.text
        for path in sorted(_FOLDER.glob("*.txt"))
        for line in chatlog.parse(path.read_bytes()).lines
        if line.text.strip()
    ]
    return lines or _made_up()


def _made_up() -> list[str]:
    dice, words = random.Random(1), _WORDS.split()
    return [" ".join(dice.choices(words, k=dice.randint(2, 24))) for _ in range(5000)]
