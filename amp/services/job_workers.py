"""Which kinds of workers do the work of a job."""

from amp.domain.moves import MOVE_KINDS

#: They find the assets of a job, and do its work on them.
ASSET_JOB_WORKERS = ("extract", "job")
MOVE_WORKERS = ("bucket",)


def workers_of(kind: str) -> tuple[str, ...]:
    """The kinds of workers without which a job of that kind waits."""
    return MOVE_WORKERS if kind in MOVE_KINDS else ASSET_JOB_WORKERS
