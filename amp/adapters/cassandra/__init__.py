"""The source of truth on Cassandra."""
