"""The offset of `chat.log` up to which the tables stand: one record for each partition."""

from app.domain.records import Progress
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

progress = Table(group(PIPELINE), "progress", Progress)
