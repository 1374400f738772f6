"""What became of the lines of a replay."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

#: Refused lines that the summary lists; it counts all of them.
_LISTED = 20


@dataclass
class Tally:
    """Counts of lines: all messages, sent now, there before, refused, and no messages."""

    total: int = 0
    sent: int = 0
    there: int = 0
    skipped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    _refused: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Messages that are settled, whichever way."""
        return self.sent + self.there + self.reasons.total()

    def refuse(self, name: str, number: int, code: str, detail: str) -> None:
        """Note a line that the edge refused."""
        self.reasons[code] += 1
        if len(self._refused) < _LISTED:
            self._refused.append(f"  {name}:{number} {code}: {detail}")

    def summary(self, files: int, seconds: float) -> list[str]:
        """Lines for people."""
        rate = self.sent / seconds if seconds else 0.0
        head = (
            f"{files} files, {self.total} messages: {self.sent} sent, {self.there} there already, "
            f"{self.reasons.total()} refused, {self.skipped} other lines; "
            f"{seconds:.1f} s, {rate:.0f} messages/s"
        )
        reasons = [f"  refused, {code}: {count}" for code, count in self.reasons.most_common()]
        return [head, *reasons, *self._refused]
