"""Metrics: what is measured, how it is counted, and how Prometheus gets it."""
