"""Tokens that were taken back, as a test says."""

from __future__ import annotations


class Revoked:
    """By user the time before which a token must not have been issued, and ids of tokens."""

    def __init__(self) -> None:
        self.before: dict[str, float] = {}
        self.ids: set[str] = set()

    def refuses(self, user: str, issued_at: float, token_id: str) -> bool:
        return issued_at < self.before.get(user, 0) or token_id in self.ids
