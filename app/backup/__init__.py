"""Copies of a deployment's topics: in a folder as a backup, or in another Kafka cluster."""
