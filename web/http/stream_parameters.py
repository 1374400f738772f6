"""Parameters of streams and polls, which connections read without aiohttp."""

from __future__ import annotations

from typing import Final

from web.http.query_parameters import NumberOrDefault

#: Query parameters that may hold the cursor, as EventSource and its polyfills send them.
CURSOR_PARAMETERS: Final = ("cursor", "last_event_id", "lastEventId")

#: The header with which EventSource resumes; it takes precedence.
LAST_EVENT_ID: Final = "Last-Event-ID"

#: Seconds that a poll waits, and events in its answer.
TIMEOUT: Final = NumberOrDefault("timeout", "Seconds to wait for an event.", 0, 55, 25)
LIMIT: Final = NumberOrDefault("limit", "The most events of the answer.", 1, 500, 100)
