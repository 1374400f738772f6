"""What became of each client id: key `room/user/client id`.

A record for each event, and not a list for each person, which would be written with every message
and would have to forget.
"""

from app.domain.records import Sent
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

sent = Table(group(PIPELINE), "sent", Sent)
