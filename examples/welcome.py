"""Greets each person once, in the room `lobby`, when they first connect."""

from parley import Agent, Connection, Do

welcome = Agent("welcome", rooms="lobby")


@welcome.on("connection.opened")
def greet(event: Connection, do: Do) -> None:
    """Say it under the person's key: the room accepts that once."""
    do.say(f"Welcome, @{event.user}!", room="lobby", key=event.user)
