"""AMP stores the metadata of digital assets and makes them searchable."""

__version__ = "0.1.0"
