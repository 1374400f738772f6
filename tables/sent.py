"""The event of each client id: key `room/user/client id`.

A record for each event, not a list for each user: a list would be written with every message, and
would have to be limited.
"""

from app.domain.records import Sent
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

sent = Table(group(PIPELINE), "sent", Sent)
