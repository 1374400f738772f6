"""The edge's writes to Kafka: commands, and connections that open and close."""
