"""What clients of random operations asked for and the answers they got: the record that the checks start from."""

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

#: What a revision may be called that a request of each kind makes.
KINDS = {
    "create": {"created"},
    "upsert": {"created", "updated", "labelled"},
    "put": {"updated", "labelled"},
    "patch": {"updated", "labelled"},
    "delete": {"deleted"},
    "restore": {"restored"},
    "update-job": {"updated"},
    "delete-job": {"deleted"},
    "purge-job": {"purged"},
    "check-job": set(),
    "fix-job": set(),
}


class Fate(Enum):
    DONE = "done"
    REFUSED = "refused"  #: it must not have changed anything
    UNKNOWN = "unknown"  #: no answer, or one that says so


@dataclass(frozen=True, slots=True)
class Content:
    """What a request writes; None: it leaves that as it is."""

    mark: str | None = None
    number: int | None = None
    labels: tuple[str, ...] | None = None


@dataclass(slots=True)
class Request:
    """One write of a client, with the principal that it alone uses: the store says who made each revision."""

    principal: str
    kind: str
    content: Content
    #: The asset it is about; of creations the one that the answer named.
    asset_id: UUID | None = None
    #: (project, external id) of an asset to create.
    name: tuple[str, str | None] | None = None
    fate: Fate = Fate.UNKNOWN
    revision: int | None = None  #: that the answer named
    expected: int | None = None  #: by If-Match
    unless: int | None = None  #: by If-None-Match, the revision that it must not have
    only_new: bool = False  #: by If-None-Match: *
    only_there: bool = False  #: by If-Match: *
    attempted: bool = False  #: there was an attempt of which nobody knows what became

    def settle(self, fate: Fate) -> None:
        """Of several attempts the best answer counts; a refusal after an unknown one says nothing."""
        if self.fate is not Fate.DONE:
            self.fate = fate


@dataclass(slots=True)
class JobRequest:
    """A job over assets that some client asked for."""

    principal: str
    kind: str
    label: str | None  #: that its query asks for; None: it is for listed ids
    content: Content
    ids: frozenset[UUID] = frozenset()  #: of a purge
    job_id: str | None = None


@dataclass
class RequestLog:
    """Shared by all clients."""

    requests: list[Request] = field(default_factory=list)
    jobs: list[JobRequest] = field(default_factory=list)
    #: Answers that are wrong whatever is broken.
    violations: list[str] = field(default_factory=list)
    operations: int = 0
    statuses: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    #: How many times clients performed each rare operation.
    did_often: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    #: By id, the highest revision that was acknowledged or shown.
    seen: dict[str, int] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)  #: states of jobs that ended
    cancelled: set[str] = field(default_factory=set)  #: jobs over assets whose cancellation was acknowledged
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def purged(self) -> set[UUID]:
        """What may have been purged."""
        return {id_ for job in list(self.jobs) for id_ in job.ids}

    def saw(self, asset_id: str, revision: int) -> None:
        with self._lock:
            self.seen[asset_id] = max(revision, self.seen.get(asset_id, 0))

    def saw_state(self, job_id: str, state: str, known_before: str | None) -> None:
        """`known_before`: the end that a client knew before it asked."""
        if known_before is not None and state != known_before:
            self.violations.append(f"job {job_id} had ended as {known_before} and is {state}")
        if state in ("completed", "failed", "cancelled"):
            self.ended.setdefault(job_id, state)

    def did(self, what: str) -> None:
        with self._lock:
            self.did_often[what] += 1

    def answered(self, status: int) -> None:
        with self._lock:
            self.operations += 1
            self.statuses[status] += 1
