"""Wires the services of each subject to adapters; `amp.bootstrap` calls the builders and puts the parts together."""
