"""The claim that makes an admin: one who moderates every room and sets the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class AdminClaim:
    """`PARLEY_ADMIN_CLAIM`: `NAME`, which has to be true, or `NAME=VALUE`.

    With a value, the claim is that text, a list that has it, or words of which it is one, as in
    `scope`. A name may be an address, such as `https://example.com/roles`.
    """

    __slots__ = ("_name", "_value")

    def __init__(self, setting: str) -> None:
        self._name, _, self._value = setting.partition("=")

    def __str__(self) -> str:
        return f"{self._name}={self._value}" if self._value else self._name

    def holds(self, claims: Mapping[str, Any]) -> bool:
        """Whether the bearer of a token with these claims is an admin."""
        found = claims.get(self._name)
        if not self._value:
            return found is True
        if isinstance(found, str):
            return found == self._value or self._value in found.split(" ")
        return isinstance(found, list) and self._value in found

    def of_admin(self) -> dict[str, Any]:
        """The claims of an admin's token."""
        return {self._name: [self._value] if self._value else True}
