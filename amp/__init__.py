"""AMP keeps the metadata of digital assets and makes them findable."""

__version__ = "0.1.0"
