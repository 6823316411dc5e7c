"""What the services need of the outside, one Protocol a file; adapters keep these contracts."""
