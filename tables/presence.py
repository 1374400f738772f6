"""The open streams of each person, on the person's partition of `chat.connections`."""

from app.groups import group
from app.rules.presence import Presence
from app.table import Table

presence = Table(group("presence", strict=True), "presence", Presence)
