"""Each message: who wrote it, whether it is gone, its reactions: key `room/seq`."""

from app.domain.records import Message
from app.stream.consumer_groups import group
from app.stream.table import Table

messages = Table(group("pipeline", strict=True), "messages", Message)
