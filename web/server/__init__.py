"""Connections: streams and polls in protocols of their own, other requests through aiohttp."""
