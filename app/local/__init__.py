"""`parley up`: Kafka, Valkey, a worker and an edge on one machine."""
