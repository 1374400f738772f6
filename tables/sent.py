"""What became of each client id: key `room/user/client id`.

A record for each event, and not a list for each person, which would be written with every message
and would have to forget.
"""

from app.groups import group
from app.rules.records import Sent
from app.table import Table

sent = Table(group("pipeline", strict=True), "sent", Sent)
