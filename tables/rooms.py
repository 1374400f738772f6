"""The heads of rooms, with the numbers of the newest event and message: key room."""

from app.domain.records import Room
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

rooms = Table(group(PIPELINE), "rooms", Room)
