"""How far each member has read: key `room/user`, on the room's partition."""

from app.groups import group
from app.rules.receipts import Read
from app.table import Table

receipts = Table(group("receipts", strict=True), "receipts", Read)
