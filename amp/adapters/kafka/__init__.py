"""The event queue on Kafka."""
