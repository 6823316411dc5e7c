"""Processes the assets of jobs: one class for each kind of job. CONTRIBUTING.md says how to add one."""

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from amp.domain.chunks import ItemResult
from amp.domain.job_parameters import AssetJobParameters
from amp.domain.jobs import AssetJob

#: Why an asset is skipped that the store does not have.
SKIP_MISSING = "there is no such asset"


class Processor(Protocol):
    """Processes the assets of one kind of job. Every step may be repeated, also concurrently in another process, with
    the effect of doing it once.
    """

    #: Whether it changes assets, so that a dry run is possible.
    changes: bool
    #: Whether it needs only the assets of time slices in which store and index differ.
    selects_mismatches: bool

    def check(self, parameters: AssetJobParameters) -> None:
        """Validate a request.

        :raises Unprocessable: the request is not valid; the error names the place of each fault.
        """
        ...

    def process(self, job: AssetJob, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, ItemResult]:
        """Process these assets, which are unique, and return the outcome of each. Assets that cannot be processed now,
        because their bucket refuses writes, are left out; they are sent again later.

        Any other exception is attributed to an asset; the batch is retried one by one to find it.

        :raises Retryable: a component does not answer; all of them may be retried.
        :raises Stopped: `stop` was set before all were processed.
        """
        ...
