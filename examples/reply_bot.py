"""A bot that repeats the text behind `/echo`."""

from parley import Agent, Do, MessageCreated

bot = Agent("reply-bot")


@bot.command("echo")
def echo(event: MessageCreated, do: Do, *, text: str) -> None:
    """Repeats your text."""
    do.say(text, reply_to=event)
