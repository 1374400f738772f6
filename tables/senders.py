"""What somebody sent to a room last: key `room/user`, on the room's partition."""

from app.groups import group
from app.rules.records import Sender
from app.table import Table

senders = Table(group("pipeline", strict=True), "senders", Sender)
