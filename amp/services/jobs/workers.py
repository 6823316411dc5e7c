"""The kinds of workers that a job needs."""

from amp.domain.moves import MOVE_KINDS
from amp.domain.worker_kinds import WorkerKind

#: These select the assets of a job and process them.
ASSET_JOB_WORKERS = (WorkerKind.EXTRACT, WorkerKind.JOB)
MOVE_WORKERS = (WorkerKind.BUCKET,)
#: Jobs of these kinds wait for the index workers.
_COMPARING = frozenset({"check", "fix"})


def workers_of(kind: str) -> tuple[str, ...]:
    """Return the kinds of workers without which a job of this kind waits."""
    if kind in MOVE_KINDS:
        return MOVE_WORKERS
    return (*ASSET_JOB_WORKERS, WorkerKind.INDEX) if kind in _COMPARING else ASSET_JOB_WORKERS
