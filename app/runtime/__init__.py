"""What every process needs: clock, logging, retries, heartbeats, plug-ins, hashing, signing."""
