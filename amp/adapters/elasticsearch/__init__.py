"""The search index on Elasticsearch."""
