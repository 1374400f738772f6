"""Decisions of the agent kit: what an agent gets, what its commands are called, when it waits."""
