"""The interfaces that the services require of the outside world, one Protocol per file. Adapters implement them."""
