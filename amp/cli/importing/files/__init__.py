"""Reads the rows of files in several formats, encodings and compressions, one by one and in constant memory."""
