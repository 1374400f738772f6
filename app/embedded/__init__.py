"""Kafka and Valkey as child processes of this machine, without Docker."""
