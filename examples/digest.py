"""Says every evening how much a room has written, also if it is quiet by then."""

from parley import Agent, Do, MessageCreated, Tick

digest = Agent("digest", table=int, zone="Europe/Berlin")


@digest.on("message.created")
def count(event: MessageCreated, do: Do[int]) -> None:
    """Count by author."""
    do.table[event.by] += 1


@digest.every("day at 18:00")
def tell(tick: Tick, do: Do[int]) -> None:
    """Say the counts under the key of the day: saying them again would edit the message."""
    if counts := dict(do.table):
        lines = [f"{who}: {number}" for who, number in sorted(counts.items())]
        do.say("Today\n" + "\n".join(lines), key=f"{do.now:%Y-%m-%d}")
        do.table.clear()
