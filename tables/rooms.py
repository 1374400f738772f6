"""Each room's head: the numbers of its newest event and message, and what it was made as."""

from app.domain.records import Room
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

rooms = Table(group(PIPELINE), "rooms", Room)
