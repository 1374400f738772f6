"""Kafka's clients and admin, and what Parley mends in aiokafka, each mend in a file of its own."""
