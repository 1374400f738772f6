"""Who is called by a message, when, and with what."""
