"""How fast somebody writes in a room: key `room/user`; kept while a rule asks for it."""

from app.domain.moderation.pace import Pace
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

paces = Table(group(PIPELINE), "paces", Pace)
