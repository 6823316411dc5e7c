"""The retention that the settings ask for."""

from amp.domain.retention import Retention
from amp.settings import Settings


def retention_of(settings: Settings) -> Retention:
    return Retention.covering(settings.revisions_kept, settings.repeatable_s)
