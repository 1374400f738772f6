"""Traces of single messages, by OpenTelemetry, where the settings name a collector."""
