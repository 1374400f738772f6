"""Parts of all processes: clock, logging, retries, heartbeats, plug-ins, hashing, signing."""
