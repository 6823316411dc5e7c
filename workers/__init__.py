"""Main functions of the worker processes. The loops that they run are in amp.services."""
