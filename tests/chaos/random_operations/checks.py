"""What check and fix say, and do, once the result of random operations is right."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.chaos.random_operations.service import RandomService
from tests.support.jobs.calls import counts, ran, results

#: A creation that was refused, or killed, may leave a claim of its name, which misleads nobody: the head decides.
_ALLOWED = "misleading: "
_ALL = {"all": True}


def wrong_checks(service: RandomService) -> Iterator[str]:
    """Sound assets that a check accuses, and whatever a fix changes but what a killed creation left behind."""
    before = service.rows()
    for deep in (False, True):
        yield from accusations(*_run(service, "check", deep))
    job, notes = _run(service, "fix", True)
    yield from accusations(job, notes)
    if counts(job).get("changed", 0) != len(notes):
        yield f"the last fix changed {counts(job)}; it tells of {notes}"
    after = service.rows()
    if (after.heads, after.revisions, after.versions) != (before.heads, before.revisions, before.versions):
        yield "the last fix changed assets"
    job, notes = _run(service, "check", True)
    if set(counts(job)) > {"done"}:
        yield f"a check after the last fix says {counts(job)}: {notes}"


def accusations(job: Mapping[str, Any], notes: Mapping[str, str]) -> Iterator[str]:
    for asset_id, note in notes.items():
        if not all(part.startswith(_ALLOWED) for part in note.split("; ")):
            yield f"{job['kind']} accuses {asset_id}, which is sound: {note}"
    if unwanted := counts(job).keys() - {"done", "found", "changed"}:
        yield f"{job['kind']} of what is sound: {sorted(unwanted)} of {counts(job)}"


def _run(service: RandomService, kind: str, deep: bool) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """The job and what it tells of each asset."""
    job = service.call(lambda rest: ran(rest, kind, _ALL, parameters={"deep": deep}))
    reported = service.call(lambda rest: results(rest, job["id"]))
    return job, {asset_id: note for asset_id, (_, note) in reported.items()}
