"""Calls that wait, or are to be tried again: key `room/user`, on the room's partition."""

from app.domain.push.calls import Call
from app.stream.consumer_groups import group
from app.stream.groups import PUSH
from app.stream.table import Table

calls = Table(group(PUSH), "calls", Call)
