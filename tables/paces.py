"""The pace of users in rooms: key `room/user`; recorded while a rule uses it."""

from app.domain.moderation.pace import Pace
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

paces = Table(group(PIPELINE), "paces", Pace)
