"""The index worker's loop: indexes live traffic, and beside it the changes that wait for a refusing bucket."""

import threading

from amp.ports.background import Background, Loop


class IndexWorker:
    def __init__(self, live: Loop, retries: Loop, background: Background) -> None:
        self._live = live
        self._retries = retries
        self._background = background

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish what is under way as far as it goes."""
        # Set whenever this run ends, so that the next one is not the second.
        ended = threading.Event()
        beside = self._background.start("index-retries", self._retries, ended)
        try:
            self._live(stop)
        finally:
            ended.set()
            beside.join()
