"""The pace of users over all rooms: key user, on the user's partition of `chat.pace`."""

from app.domain.moderation.pace import Pace
from app.stream.consumer_groups import group
from app.stream.groups import PACE
from app.stream.table import Table

paces_everywhere = Table(group(PACE), "everywhere", Pace)
