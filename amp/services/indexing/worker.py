"""The loop of the index worker: indexes live traffic and, concurrently, the changes in the retry queue."""

import threading
from dataclasses import dataclass

from amp.ports.background import Background, Loop


@dataclass(frozen=True, kw_only=True)
class IndexWorker:
    live: Loop
    retries: Loop
    background: Background

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set. Then finish the batches under way if possible."""
        # Set whenever this run ends, so that the next run does not add a second thread.
        ended = threading.Event()
        retry_thread = self.background.start("index-retries", self.retries, ended)
        try:
            self.live(stop)
        finally:
            ended.set()
            retry_thread.join()
