"""What an operator sees of a deployment, as one edge knows it from Kafka and Valkey."""
