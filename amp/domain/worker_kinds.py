"""The kinds of workers, in one table. Each has a module in `workers/` and a loop in `amp.bootstrap`."""

from enum import StrEnum


class WorkerKind(StrEnum):
    INDEX = "index"  #: writes changes from the queue to the search index
    RELAY = "relay"  #: republishes changes whose messages may have been lost
    BUCKET = "bucket"  #: maintains the time buckets: opens, splits, merges and rebuilds them
    EXTRACT = "extract"  #: selects the assets of jobs, and waits until each has a result
    JOB = "job"  #: processes the assets of jobs
