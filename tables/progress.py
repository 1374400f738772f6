"""How far a partition's tables follow `chat.log`: one record a partition."""

from app.domain.records import Progress
from app.stream.consumer_groups import group
from app.stream.groups import PIPELINE
from app.stream.table import Table

progress = Table(group(PIPELINE), "progress", Progress)
