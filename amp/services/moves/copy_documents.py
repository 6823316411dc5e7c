"""Copies a range of one index into another, raw and as fast as told, and says from where to go on."""

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from uuid import UUID

from tenacity import RetryError, TryAgain

from amp.domain.assets import Asset, State
from amp.errors import SearchUnavailable
from amp.ports.bucket_documents import BucketDocuments, Position, RawDocument, TimeRange
from amp.ports.clock import Clock
from amp.ports.search_index import WriteStatus
from amp.services.runtime.retry import Backoff, attempts

#: Documents of one page, fewer where they are large; the next is read while one is written.
PAGE = 1_000
_ATTEMPTS = 6
_BACKOFF = Backoff(first_s=0.1)


class StaleToken(Exception):
    """The target answers to another token: this mover has been overtaken."""


class DocumentRejected(Exception):
    """The target rejects a document for good; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What is to be copied, and through which write alias."""

    source: str
    alias: str
    of: TimeRange
    since: str | None = None  #: only what was written after this mark


@dataclass(frozen=True, kw_only=True)
class DocumentCopy:
    """Documents keep their revisions, and nothing newer is ever overwritten: copying twice, or beside live writes, is
    harmless.
    """

    documents: BucketDocuments
    clock: Clock
    reader: Executor
    #: Gives the heads of those assets that the store has.
    heads: Callable[[Collection[UUID]], Mapping[UUID, Asset]] = lambda _: {}

    def run(
        self,
        copy: Copy,
        stop: threading.Event,
        *,
        after: Position | None = None,
        pace: Callable[[int], None] = lambda _: None,
        copied: Callable[[Position, int], None] = lambda _position, _count: None,
    ) -> int:
        """Copy what searches of the source see; how many documents that were. `pace` is called before so many are
        written, and may wait; `copied` after they are, with the last one's position. Ends early when `stop` is set.

        :raises Fenced: another attempt began; look at the map.
        :raises Unacceptable: it cannot be done.
        :raises NotFound: the source is not there.
        :raises SearchUnavailable: it can be gone on with.
        """
        total = 0
        page = self._page(copy, after)
        while page and not stop.is_set():
            following = self.reader.submit(self._page, copy, page[-1].position)
            pace(len(page))
            self.put(copy.alias, page)
            total += len(page)
            copied(page[-1].position, len(page))
            page = following.result()
        return total

    def put(self, alias: str, documents: list[RawDocument]) -> None:
        """Write these, as often as it takes within reason.

        :raises Fenced: another attempt began.
        :raises Unacceptable: it cannot be done.
        :raises SearchUnavailable: some may not be written.
        """
        pending, reason = documents, ""
        try:
            for attempt in attempts(self.clock, _ATTEMPTS, _BACKOFF):
                with attempt:
                    pending, reason = self._put_once(alias, pending)
                    if pending:
                        raise TryAgain
        except RetryError as e:
            raise SearchUnavailable(f"{len(pending)} documents could not be written: {reason}") from e

    def _put_once(self, alias: str, documents: list[RawDocument]) -> tuple[list[RawDocument], str]:
        """Those that may be written later, and why not now."""
        busy, reason = [], ""
        for document, result in zip(documents, self.documents.put(alias, documents), strict=True):
            match result.status:
                case WriteStatus.STALE:
                    raise StaleToken
                case WriteStatus.REJECTED:
                    raise DocumentRejected(f"document {document.doc_id} is not accepted: {result.reason}")
                case WriteStatus.BUSY:
                    busy.append(document)
                    reason = result.reason
        return busy, reason

    def without_purged(self, positions: set[Position]) -> set[Position]:
        """The positions of documents that no purge was to remove: one after the switch removes what searches see, and
        what is left of it in the source must not come back.

        :raises StoreUnavailable: the store does not answer.
        """
        heads = self.heads({UUID(position.asset_id) for position in positions})
        return {position for position in positions if not _is_purged(position, heads.get(UUID(position.asset_id)))}

    def _page(self, copy: Copy, after: Position | None) -> list[RawDocument]:
        return self.documents.page(copy.source, copy.of, after=after, since=copy.since, limit=PAGE)


def _is_purged(position: Position, head: Asset | None) -> bool:
    # Versions count up, and only after a purge from 1 again.
    return head is not None and (head.state is State.PURGED or position.version > head.version)
