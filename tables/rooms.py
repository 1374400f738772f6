"""Each room's head: the numbers of its newest event and message, and what it was made as."""

from app.groups import group
from app.rules.records import Room
from app.table import Table

rooms = Table(group("pipeline", strict=True), "rooms", Room)
