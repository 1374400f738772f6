"""What of a partition a subscription has got: key `subscription/topic`."""

from app.domain.subscriptions.backlog import Place
from app.stream.consumer_groups import group
from app.stream.groups import SUBSCRIPTIONS
from app.stream.table import Table

places = Table(group(SUBSCRIPTIONS), "places", Place)
