"""The last message of users to rooms: key `room/user`, on the room's partition."""

from app.domain.records import Sender
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

senders = Table(group(PIPELINE), "senders", Sender)
