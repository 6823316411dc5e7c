"""The index worker's loop: indexes live traffic, and beside it the changes that wait for a refusing bucket."""

import threading
from dataclasses import dataclass

from amp.ports.background import Background, Loop


@dataclass(frozen=True, kw_only=True)
class IndexWorker:
    live: Loop
    retries: Loop
    background: Background

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; then finish what is under way as far as it goes."""
        # Set whenever this run ends, so that the next one is not the second.
        ended = threading.Event()
        beside = self.background.start("index-retries", self.retries, ended)
        try:
            self.live(stop)
        finally:
            ended.set()
            beside.join()
