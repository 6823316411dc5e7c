"""The retention that follows from the settings."""

from amp.domain.retention import Retention
from amp.settings import Settings


def retention_of(settings: Settings) -> Retention:
    """Return how long the store keeps revisions and the ids of changes."""
    return Retention.covering(settings.revisions_kept, settings.repeatable_s)
