"""What the edge writes to Kafka: commands, and connections that open and close."""
