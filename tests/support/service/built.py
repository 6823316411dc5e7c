"""The whole service in this process, in either profile: alone, or with its workers running."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from amp.bootstrap import Amp, build
from amp.settings import load_settings


@contextmanager
def built(settings: Mapping[str, object]) -> Iterator[Amp]:
    """Migrated; settings are named as fields or as variables."""
    amp = build(load_settings({name.removeprefix("AMP_").lower(): value for name, value in settings.items()}))
    try:
        amp.system.migration.run()
        yield amp
    finally:
        amp.close()


@contextmanager
def running(settings: Mapping[str, object]) -> Iterator[Amp]:
    stop = threading.Event()
    with built(settings) as amp:
        workers = [threading.Thread(target=loop, args=(stop,), name=kind) for kind, loop in amp.workers.items()]
        for worker in workers:
            worker.start()
        try:
            yield amp
        finally:
            stop.set()
            for worker in workers:
                worker.join(30)
