"""The worker process: it finds the agents, runs their consumer groups and watches them."""
