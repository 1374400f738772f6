"""A room's name and topic, which moderation judges as one text."""

from __future__ import annotations

from msgspec.structs import replace

from app.events import ChangeRoom, CreateRoom


def heading(command: CreateRoom | ChangeRoom) -> str:
    """The name and the topic of a command, a line for each; empty without both."""
    return "\n".join(filter(None, (command.name, command.topic)))


def headed(command: CreateRoom | ChangeRoom, text: str) -> CreateRoom | ChangeRoom:
    """The command with its masked `heading`, which is as long as before."""
    name, topic = command.name, command.topic
    if name:
        name, text = text[: len(name)], text[len(name) + 1 :]
    return replace(command, name=name, topic=text if topic else topic)
