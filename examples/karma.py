"""Counts the thanks of a room: `ben++` gives ben a point, `/karma` shows the ten first."""

from parley import Agent, Do, MessageCreated

karma = Agent("karma", table=int)


@karma.on("message.created", text=r"(?P<who>\w+)\+\+")
def plus(event: MessageCreated, do: Do[int], who: str) -> None:
    """Give a point, but nobody one to themselves."""
    if who == event.by:
        do.react(event, "🙈")
        return
    do.table[who] += 1
    do.say(f"{who} has {do.table[who]}", thread=event)


@karma.command("karma")
def show(event: MessageCreated, do: Do[int]) -> None:
    """Shows who has most points."""
    first = sorted(do.table.items(), key=lambda item: -item[1])[:10]
    do.say("\n".join(f"{who}: {points}" for who, points in first) or "Nobody has any.")
