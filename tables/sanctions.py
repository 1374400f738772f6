"""Who is muted in a room, or banned from it, and until when: key `room/user`."""

from app.groups import group
from app.rules.sanctions import Sanction
from app.table import Table

sanctions = Table(group("pipeline", strict=True), "sanctions", Sanction)
