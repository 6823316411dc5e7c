"""The message queue on Kafka."""
