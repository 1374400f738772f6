"""The agent kit: agents of one's own, declared in a file, whose effects settle once."""
