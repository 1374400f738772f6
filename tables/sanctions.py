"""Mutes and bans in rooms: key `room/user`."""

from app.domain.sanctions import Sanction
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

sanctions = Table(group(PIPELINE), "sanctions", Sanction)
