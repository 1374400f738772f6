"""How far a partition's tables follow `chat.log`: one record a partition."""

from app.groups import group
from app.rules.records import Progress
from app.table import Table

progress = Table(group("pipeline", strict=True), "progress", Progress)
