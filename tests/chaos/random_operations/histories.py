"""Do the histories in the store agree with the answers to clients? Each asset is replayed, revision by revision."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from tests.chaos.random_operations.request_log import KINDS, Content, Fate, JobRequest, Request, RequestLog
from tests.chaos.random_operations.stored_rows import HeadRow, Revision, StoredRows

_STATES = {"created": "active", "deleted": "deleted", "restored": "active", "purged": "purged"}

#: Once everything is cleaned up after a purge, revisions say neither what they were nor who made them.
_PURGED = ("purged", "")


@dataclass(frozen=True, slots=True)
class Played:
    """What an asset must have been at a revision."""

    state: str
    mark: str | None
    number: int | None
    labels: tuple[str, ...]


class Histories:
    """`violations` lists what is wrong; what purges removed is not asked for."""

    def __init__(self, rows: StoredRows, request_log: RequestLog) -> None:
        self._rows = rows
        self._requests: dict[str, list[Request]] = defaultdict(list)
        for request in request_log.requests:
            self._requests[request.principal].append(request)
        self._jobs = {job.principal: job for job in request_log.jobs}
        self._purged = request_log.purged()
        self.violations: list[str] = []

    def check(self) -> list[str]:
        played = {id_: self._play(head) for id_, head in self._rows.heads.items()}
        self._check_requests(played)
        self._check_names()
        return self.violations

    def _play(self, head: HeadRow) -> dict[int, Played]:
        """The states from the last purge, or the beginning, on."""
        steps = self._rows.revisions.get(head.id, {})
        first = self._beginning(head)
        if first is None:
            return {}
        wanted = list(range(first, head.revision + 1))
        if sorted(number for number in steps if number >= first) != wanted:
            self._wrong(f"{head.id} at {head.revision}: revisions {sorted(steps)}")
            return {}
        now, versions = Played("none", None, None, ()), 0
        states: dict[int, Played] = {}
        for number in wanted:
            step = steps[number]
            if step.kind in _PURGED:
                now = Played("purged", None, None, ())
            else:
                now = self._step(head, number, step, now)
                if step.kind in ("created", "updated"):
                    versions += 1
                    self._check_version(head, versions, number, now)
            states[number] = now
        self._check_head(head, now, versions)
        return states

    def _beginning(self, head: HeadRow) -> int | None:
        """The first revision that can be played: the first of all, or the last that a purge has stripped, or the one
        after it; None: a purge has removed all."""
        steps = self._rows.revisions.get(head.id, {})
        stripped = [number for number, step in steps.items() if step.kind in _PURGED]
        created_again = [number for number, step in steps.items() if step.kind == "created" and number > 1]
        if not stripped and not created_again and head.state != "purged":
            return 1
        if head.id not in self._purged:
            self._wrong(f"{head.id} was purged, which nobody asked for")
        return max((*stripped, *created_again), default=None)

    def _step(self, head: HeadRow, number: int, step: Revision, before: Played) -> Played:
        where = f"{head.id} revision {number} ({step.kind} by {step.by})"
        made_by = self._made_by(head.id, number, step)
        if made_by is None:
            self._wrong(f"{where}: nobody asked for it")
            return replace(before, state=_STATES.get(step.kind, before.state))
        if step.kind not in KINDS[made_by.kind]:
            self._wrong(f"{where}: asked for was {made_by.kind}")
        if isinstance(made_by, Request):
            if made_by.fate is Fate.REFUSED:
                self._wrong(f"{where}: it was refused: {made_by}")
            if made_by.asset_id is not None and made_by.asset_id != head.id:
                self._wrong(f"{where}: it was asked of another asset: {made_by}")
            if step.kind == "created" and made_by.name != (head.project, head.external_id) and head.state != "purged":
                self._wrong(f"{where}: it has the name {head.project}/{head.external_id}, asked was {made_by.name}")
            self._check_precondition(where, number, step.kind, made_by)
        elif made_by.label is not None and (before.state != "active" or made_by.label not in before.labels):
            self._wrong(f"{where}: the job's query asks for label {made_by.label}; before it was {before}")
        content = made_by.content if step.kind in ("created", "updated", "labelled") else Content()
        return Played(
            _STATES.get(step.kind, before.state),
            before.mark if content.mark is None else content.mark,
            before.number if content.number is None else content.number,
            before.labels if content.labels is None else tuple(sorted(set(content.labels))),
        )

    def _check_precondition(self, where: str, number: int, kind: str, request: Request) -> None:
        is_new = kind == "created"
        if request.expected is not None and (is_new or request.expected != number - 1):
            self._wrong(f"{where}: it was asked for over revision {request.expected}")
        if request.unless == number - 1 and not is_new:
            self._wrong(f"{where}: it was asked for unless the revision is {request.unless}")
        if request.only_new and not is_new:
            self._wrong(f"{where}: it was asked for if there was none")
        if request.only_there and is_new:
            self._wrong(f"{where}: it was asked for if there was one")

    def _made_by(self, asset_id: UUID, number: int, step: Revision) -> Request | JobRequest | None:
        if job := self._jobs.get(step.by):
            return job
        requests = self._requests.get(step.by, [])
        if len(requests) < 2:
            return requests[0] if requests else None
        # Of a bulk: the mark tells which of its items.
        mark = self._mark(asset_id, number)
        return next((request for request in requests if request.content.mark == mark), None)

    def _mark(self, asset_id: UUID, number: int) -> str | None:
        """What the revision wrote; None: it wrote no content, or none that is kept."""
        written = self._rows.versions.get(asset_id, {}).values()
        return next((json.loads(row.metadata).get("mark") for row in written if row.revision == number), None)

    def _check_version(self, head: HeadRow, version: int, number: int, wanted: Played) -> None:
        found = self._rows.versions.get(head.id, {}).get(version)
        if head.state == "purged":
            return
        if found is None:
            self._wrong(f"{head.id} has no version {version}, made by revision {number}")
            return
        metadata = json.loads(found.metadata)
        content = (found.revision, metadata.get("mark"), metadata.get("number"), tuple(sorted(found.labels)))
        if content != (number, wanted.mark, wanted.number, wanted.labels):
            self._wrong(f"{head.id} version {version} of revision {number} is {found}, not {wanted}")

    def _check_head(self, head: HeadRow, wanted: Played, versions: int) -> None:
        if head.state != wanted.state:
            self._wrong(f"{head.id} is {head.state}, not {wanted.state}")
        elif head.state != "purged" and (tuple(sorted(head.labels)), head.version) != (wanted.labels, versions):
            self._wrong(f"{head.id} has labels {head.labels} at version {head.version}, not {wanted} at {versions}")

    def _check_requests(self, played: Mapping[UUID, Mapping[int, Played]]) -> None:
        made: Counter[str] = Counter()
        creations: Counter[str | None] = Counter()
        by_job: Counter[tuple[str, UUID]] = Counter()
        for id_, steps in self._rows.revisions.items():
            for number, step in steps.items():
                made[step.by] += 1
                creations[self._mark(id_, number) if step.kind == "created" else None] += 1
                by_job[step.by, id_] += step.by in self._jobs
        self.violations += [f"{by} changed {id_} {count} times" for (by, id_), count in by_job.items() if count > 1]
        self.violations += [f"{n} assets are creation {mark}" for mark, n in creations.items() if mark and n > 1]
        for principal, requests in self._requests.items():
            if made[principal] > len(requests):
                self._wrong(f"{made[principal]} revisions by the {len(requests)} requests {requests[:3]}")
            for request in requests:
                if request.fate is Fate.DONE:
                    self._check_done(request, played)

    def _check_done(self, request: Request, played: Mapping[UUID, Mapping[int, Played]]) -> None:
        assert request.asset_id is not None
        assert request.revision is not None
        head = self._rows.heads.get(request.asset_id)
        if head is None or head.revision < request.revision:
            self._wrong(f"lost: {request}; the head is {head}")
            return
        states = played[head.id]
        if request.revision not in states or states[request.revision].state == "purged":
            return  # a purge has removed it since
        by = self._rows.revisions[head.id][request.revision].by
        if by == request.principal:
            return
        # It found nothing to do: what it asked for was so already.
        found, content = states[request.revision], request.content
        state = {"delete": "deleted"}.get(request.kind, "active")
        same_labels = content.labels is not None and tuple(sorted(set(content.labels))) == found.labels
        idle = request.kind in ("delete", "restore") or (content.mark is None and same_labels)
        holds = request.expected in (None, request.revision) and request.unless != request.revision
        if not idle or found.state != state or not holds or request.only_new:
            self._wrong(f"lost: {request}; its revision was made by {by}")

    def _check_names(self) -> None:
        bearers: dict[tuple[str, str], list[UUID]] = defaultdict(list)
        for head in self._rows.heads.values():
            if head.name is not None:
                bearers[head.name].append(head.id)
        self.violations += [f"twins: {name} is the name of {ids}" for name, ids in bearers.items() if len(ids) > 1]

    def _wrong(self, what: str) -> None:
        self.violations.append(what)


def bearers(rows: StoredRows) -> dict[tuple[str, str], UUID]:
    """Whose name each name is, by the heads alone."""
    return {head.name: head.id for head in rows.heads.values() if head.name is not None}


def misled_names(
    names: Sequence[tuple[str, str]], rows: StoredRows, resolve: Mapping[tuple[str, str], str | None]
) -> Iterator[str]:
    """Names that lead elsewhere than to the asset whose head has them, or nowhere; `resolve`: where each leads."""
    borne = bearers(rows)
    for name in {*names, *borne}:
        wanted = str(borne[name]) if name in borne else None
        if resolve[name] != wanted:
            yield f"{name} leads to {resolve[name]}; it is the name of {wanted}"
