"""Tells the room `on-call` where somebody writes that something is down."""

from parley import Agent, Do, MessageCreated

alert = Agent("keyword-alert")


@alert.on("message.created", text=r"(?i)\b(?P<what>\w+) is (down|broken|on fire)\b")
def tell(event: MessageCreated, do: Do, what: str) -> None:
    """Say what, where, and who said so."""
    if event.room != "on-call":
        do.say(f"{event.by} in {event.room}: {what}", room="on-call")
