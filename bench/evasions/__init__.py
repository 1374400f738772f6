"""The hand-made set of evasions and innocent near-misses, judged by a word list."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from app.domain.moderation.folding import Folded
from app.domain.moderation.lexicon import Lexicon

_HERE = Path(__file__).parent
_ESCAPE = re.compile(r"\\u([0-9a-f]{4})")


@dataclass
class Score:
    """Of 200 evasions those that were not caught, of 200 innocent texts those that were."""

    evasions: int = 0
    innocent: int = 0
    missed: list[tuple[str, str]] = field(default_factory=list)
    wronged: list[tuple[str, str]] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """The share of the evasions that was caught."""
        return 1 - len(self.missed) / self.evasions

    @property
    def precision(self) -> float:
        """The share of true catches among all catches."""
        caught = self.evasions - len(self.missed)
        return caught / (caught + len(self.wronged))


def words() -> list[str]:
    """The texts that the set's rule blocks."""
    return _lines("words.txt")


def evasions() -> list[tuple[str, str]]:
    """Ways of getting round it, each with its kind."""
    pairs = (line.split("\t", 1) for line in _lines("evasions.txt"))
    return [(kind, _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text)) for kind, text in pairs]


def innocent() -> list[str]:
    """Texts that only look like it."""
    return _lines("innocent.txt")


def score() -> Score:
    """The caught evasions, and the innocent texts among the catches."""
    lexicon = Lexicon(words())
    found = Score()
    for kind, text in evasions():
        found.evasions += 1
        if not lexicon.search(text, Folded(text)):
            found.missed.append((kind, text))
    for text in innocent():
        found.innocent += 1
        if hits := lexicon.search(text, Folded(text)):
            found.wronged.append((text, hits[0].phrase))
    return found


def _lines(name: str) -> list[str]:
    lines = (_HERE / name).read_text("utf-8").split("\n")
    return [line for line in lines if line and not line.startswith("# ")]
