"""The process: logs, retries, heartbeat, garbage collection, plug-ins, hashing, signing."""
