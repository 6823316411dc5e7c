"""Converts the rows of files to metadata: flattens rows, coerces values, and infers a type."""
