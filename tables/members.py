"""The members of rooms: key `room/user`, on the room's partition."""

from app.domain.records import Member
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

members = Table(group(PIPELINE), "members", Member)
