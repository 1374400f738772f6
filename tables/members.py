"""Who belongs to a room: key `room/user`, on the room's partition."""

from app.groups import group
from app.rules.records import Member
from app.table import Table

members = Table(group("pipeline", strict=True), "members", Member)
