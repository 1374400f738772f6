"""What somebody has put under a message: key `room/seq/user`."""

from app.groups import group
from app.rules.records import Reactions
from app.table import Table

reactions = Table(group("pipeline", strict=True), "reactions", Reactions)
