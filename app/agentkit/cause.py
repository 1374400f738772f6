"""What an effect follows from, and what `do` needs of its surroundings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from app.agentkit.effects import Scope
from app.agentkit.occasion import Occasion
from app.agentkit.table import TableType
from app.domain.agents import causes

R = TypeVar("R")


class Rates(Protocol):
    """How often the agent has acted."""

    def take(self, room: str, at_ms: int) -> bool:
        """Count an act in a room; `False` where the agent's rate forbids it."""


class Calls(Protocol):
    """Calls of services outside."""

    async def call(
        self, function: Callable[..., Awaitable[R]], arguments: tuple[Any, ...], key: str
    ) -> R:
        """The result of the function, tried again while the service fails."""


class Declared(Protocol):
    """What `do` needs to know of its agent."""

    name: str
    user: str
    rooms: str
    may: frozenset[str]
    table: TableType[Any]
    zone: Any
    rate: Any

    def handler(self, key: str) -> Any:
        """A handler by its key."""

    def acts_in(self, room: str) -> bool:
        """Whether the agent acts in a room."""


class Cause(NamedTuple):
    """What an effect follows from: an occasion and the handler that it is of."""

    occasion: Occasion
    handler: str

    @property
    def scope(self) -> Scope:
        """The scope of the occasion."""
        return self.occasion.scope

    @property
    def room(self) -> str:
        """The room of the occasion; empty where it has none."""
        return self.occasion.room

    @property
    def at_ms(self) -> int:
        """The time of the occasion, in milliseconds since 1970."""
        return self.occasion.at_ms

    @property
    def name(self) -> str:
        """The name of this cause among all."""
        return f"{self.occasion.name}/{self.handler}"

    @property
    def hops(self) -> int:
        """How many agents are in the chain of causes, this one included."""
        author = causes.author(self.occasion.client_id)
        return 1 if author is None else author.hops + 1
