"""The reactions of users to messages: key `room/seq/user`."""

from app.domain.records import Reactions
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

reactions = Table(group(PIPELINE), "reactions", Reactions)
