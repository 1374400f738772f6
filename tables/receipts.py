"""The read marks of members: key `room/user`, on the room's partition."""

from app.domain.receipts import Read
from app.stream.consumer_groups import group
from app.stream.groups import RECEIPTS
from app.stream.table import Table

receipts = Table(group(RECEIPTS), "receipts", Read)
