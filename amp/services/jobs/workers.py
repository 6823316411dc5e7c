"""The kinds of workers that a job needs."""

from amp.domain.moves import MOVE_KINDS

#: These select the assets of a job and process them.
ASSET_JOB_WORKERS = ("extract", "job")
MOVE_WORKERS = ("bucket",)
#: Jobs of these kinds wait for the index workers.
_COMPARING = frozenset({"check", "fix"})


def workers_of(kind: str) -> tuple[str, ...]:
    """Return the kinds of workers without which a job of this kind waits."""
    if kind in MOVE_KINDS:
        return MOVE_WORKERS
    return (*ASSET_JOB_WORKERS, "index") if kind in _COMPARING else ASSET_JOB_WORKERS
