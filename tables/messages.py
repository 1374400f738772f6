"""Each message: who wrote it, whether it is gone, its reactions: key `room/seq`."""

from app.groups import group
from app.rules.records import Message
from app.table import Table

messages = Table(group("pipeline", strict=True), "messages", Message)
