"""Messages with author, deletion and counts of reactions: key `room/seq`."""

from app.domain.records import Message
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

messages = Table(group(PIPELINE), "messages", Message)
