"""One use case a file; everything they need comes through the constructor."""
