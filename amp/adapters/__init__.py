"""The ports on real technology; the only places that import a driver."""
