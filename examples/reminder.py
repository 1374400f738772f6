"""Reminds people: `/remind 10 tea` says so in ten minutes, through any restart."""

from parley import Agent, Do, MessageCreated, TimerFired

reminder = Agent("reminder")


@reminder.command("remind")
def remind(event: MessageCreated, do: Do, minutes: float, *, about: str) -> None:
    """Reminds you in so many minutes."""
    do.after(minutes * 60, ring, who=event.by, about=about, seq=event.seq)
    do.react(event, "⏰")


@reminder.timer
def ring(timer: TimerFired, do: Do, who: str, about: str, seq: int) -> None:
    """Tell the person."""
    do.say(f"@{who} {about}", reply_to=seq)
