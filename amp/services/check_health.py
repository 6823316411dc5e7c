"""Reports the health of a process: its parts, its background threads, buckets, and work that nobody does."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from amp.errors import AmpError
from amp.ports.part import Part
from amp.services.runtime.threads import BackgroundThreads, ThreadState

#: Without it nothing can be read or written; without the others, AMP works with less.
_VITAL = "store"


@dataclass(frozen=True, slots=True)
class PartHealth:
    """A part, a bucket, or work that waits, as operators see it."""

    name: str
    healthy: bool
    detail: str  #: what answered, or what is wrong


@dataclass(frozen=True, slots=True)
class Health:
    """The health of one process and of what it stands on."""

    parts: Sequence[PartHealth]
    threads: Sequence[ThreadState]
    buckets: Sequence[PartHealth]  #: those that need attention
    work: Sequence[PartHealth] = ()  #: what waits for a worker

    @property
    def usable(self) -> bool:
        """A write would be acknowledged."""
        return all(part.healthy for part in self.parts if part.name == _VITAL)

    @property
    def degraded(self) -> list[str]:
        """Names of what is unhealthy."""
        return [
            *(part.name for part in self.parts if not part.healthy),
            *(f"thread {thread.name}" for thread in self.threads if not thread.healthy),
            *(f"bucket {bucket.name}" for bucket in self.buckets if not bucket.healthy),
            *(work.name for work in self.work if not work.healthy),
        ]


class CheckHealth:
    """A check takes as long as the slowest part, which has two seconds."""

    def __init__(
        self,
        parts: Sequence[Part],
        threads: BackgroundThreads,
        buckets: Callable[[], Sequence[PartHealth]] = tuple,
        work: Callable[[], Sequence[PartHealth]] = tuple,
    ) -> None:
        """:param buckets: gives the buckets that need attention; an error of it counts as "none known".
        :param work: gives the work that waits for a worker; likewise.
        """
        self._parts = parts
        self._threads = threads
        self._buckets = buckets
        self._work = work

    def check(self) -> Health:
        with ThreadPoolExecutor(max_workers=len(self._parts) + 2, thread_name_prefix="ping") as pool:
            buckets, work = pool.submit(_known, self._buckets), pool.submit(_known, self._work)
            return Health(list(pool.map(_ping, self._parts)), self._threads.states(), buckets.result(), work.result())


def _known(find: Callable[[], Sequence[PartHealth]]) -> Sequence[PartHealth]:
    try:
        return find()
    except AmpError:
        return ()  # the part that does not answer is named anyway


def _ping(part: Part) -> PartHealth:
    try:
        return PartHealth(part.name, True, part.ping())
    except AmpError as e:
        return PartHealth(part.name, False, e.message)
