"""Records that could not be processed: listing them, and sending them again."""
