"""Which kinds of workers do the work of a job."""

from amp.domain.moves import MOVE_KINDS

#: They find the assets of a job, and do its work on them.
ASSET_JOB_WORKERS = ("extract", "job")
MOVE_WORKERS = ("bucket",)
#: These compare only what the index workers are past.
_COMPARING = frozenset({"check", "fix"})


def workers_of(kind: str) -> tuple[str, ...]:
    """The kinds of workers without which a job of that kind waits."""
    if kind in MOVE_KINDS:
        return MOVE_WORKERS
    return (*ASSET_JOB_WORKERS, "index") if kind in _COMPARING else ASSET_JOB_WORKERS
