"""Pure decisions, without clock, randomness, I/O or framework."""
