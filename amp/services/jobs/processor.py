"""What jobs do with assets: one small class a kind of job. docs/jobs.md says how to add one."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from amp.domain.chunks import ItemResult
from amp.domain.jobs import Job
from amp.domain.selectors import Selector

#: Leaves an asset out, with the reason.
SKIP_MISSING = "there is no such asset"


class Processor(Protocol):
    """Every step may come again, also at the same time in another process: doing it twice is as doing it once."""

    #: Whether it changes assets, so that it can run dry first.
    changes: bool
    #: Whether it is enough to give it the assets of time slices in which store and index differ.
    selects_mismatches: bool
    #: The parameters it takes.
    takes: frozenset[str]

    def check(self, selector: Selector, parameters: Mapping[str, Any]) -> None:
        """:raises Unprocessable: such a job could not do anything sensible; with the place of each fault."""
        ...

    def process(self, job: Job, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, ItemResult]:
        """Look after these assets, none of them twice; what became of each. Those that cannot be done now, as their
        bucket refuses writes, are left out and come again later.

        Any other error than the following stands for a fault of an asset, which is looked for by trying one at a time.

        :raises Retryable: a part does not answer; all of them may be tried again.
        :raises Stopped: `stop` was set before all were done.
        """
        ...
