"""The deployment: its id, and the epochs and origins that its partitions have begun."""
