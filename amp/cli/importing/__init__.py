"""Importing rows of files: reading, flattening and coercing them, and inferring a type."""
