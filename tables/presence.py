"""The open streams of users: key user, on the user's partition of `chat.connections`."""

from app.domain.presence import Presence
from app.stream.consumer_groups import group
from app.stream.groups import PRESENCE
from app.stream.table import Table

presence = Table(group(PRESENCE), "presence", Presence)
