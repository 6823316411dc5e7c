"""Background threads for adapters that a test builds by itself."""

from prometheus_client import CollectorRegistry

from amp.adapters.clock import SystemClock
from amp.metrics import Metrics
from amp.services.runtime.threads import BackgroundThreads


def background_threads() -> BackgroundThreads:
    return BackgroundThreads(clock=SystemClock(), metrics=Metrics(CollectorRegistry()))
