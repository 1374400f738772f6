"""How fast somebody writes in a room: key `room/user`; kept while a rule asks for it."""

from app.groups import group
from app.rules.moderation.pace import Pace
from app.table import Table

paces = Table(group("pipeline", strict=True), "paces", Pace)
