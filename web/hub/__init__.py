"""The readers of one edge, their rooms, and the delivery of events to them. No aiohttp here."""
