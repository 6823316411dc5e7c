"""The tests of AMP, and the servers and measurements they need."""
