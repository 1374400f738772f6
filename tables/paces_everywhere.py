"""How fast somebody writes, over all rooms: key user, on the user's partition of `chat.pace`."""

from app.groups import group
from app.rules.moderation.pace import Pace
from app.table import Table

paces_everywhere = Table(group("pace", strict=True), "everywhere", Pace)
