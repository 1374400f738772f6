"""Limits of requests, polls and connections: by address, by person, by person and room."""
