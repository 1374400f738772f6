"""Kafka and Valkey as child processes on this machine, without Docker."""
