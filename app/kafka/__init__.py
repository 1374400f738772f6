"""Kafka's clients and admin, and patches of aiokafka, each in a file of its own."""
