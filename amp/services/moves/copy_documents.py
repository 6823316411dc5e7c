"""Copies a range of one index into another as raw documents, at a given pace, and reports its position."""

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from uuid import UUID

from tenacity import RetryError, TryAgain

from amp.domain.assets import Asset, State
from amp.domain.documents import Position
from amp.errors import SearchUnavailable
from amp.ports.bucket_documents import DocumentPages, RawDocument, TimeRange
from amp.ports.clock import Clock
from amp.ports.search_index import WriteStatus
from amp.services.runtime.retry import Backoff, attempts

#: Maximum documents of one page. Large documents make shorter pages. The next page is read while one is written.
PAGE = 1_000
_ATTEMPTS = 6
_BACKOFF = Backoff(first_s=0.1)


class StaleToken(Exception):
    """The index has another token: another mover has overtaken this one."""


class DocumentRejected(Exception):
    """The target rejects a document permanently; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A range to copy, and the write alias of its target."""

    source: str
    alias: str
    of: TimeRange
    since: str | None = None  #: copy only writes after this mark


@dataclass(frozen=True, kw_only=True)
class DocumentCopy:
    """Copies documents from one index into another. Documents keep their revisions, and newer ones are never
    overwritten. Copying twice or during live writes is harmless.
    """

    documents: DocumentPages
    clock: Clock
    reader: Executor
    #: Returns the heads of those assets that the store has.
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
        """Copy the documents that searches of the source see. Return their number. End early when `stop` is set.

        :param pace: called with a number of documents before they are written; may wait.
        :param copied: called after they are written, with the position of the last one.
        :raises StaleToken: another attempt began; read the map.
        :raises DocumentRejected: the target rejects a document permanently.
        :raises NotFound: the source does not exist.
        :raises SearchUnavailable: call it again to continue.
        """
        total = 0
        page = self._page(copy, after)
        while page and not stop.is_set():
            next_page = self.reader.submit(self._page, copy, page[-1].position)
            pace(len(page))
            self.put(copy.alias, page)
            total += len(page)
            copied(page[-1].position, len(page))
            page = next_page.result()
        return total

    def put(self, alias: str, documents: list[RawDocument]) -> None:
        """Write these documents, with a bounded number of attempts.

        :raises StaleToken: another attempt began.
        :raises DocumentRejected: the target rejects a document permanently.
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
        """Return the documents that may be written later, and why they were not written now."""
        busy, reason = [], ""
        for document, result in zip(documents, self.documents.put(alias, documents), strict=True):
            match result.status:
                case WriteStatus.STALE:
                    raise StaleToken
                case WriteStatus.REJECTED:
                    raise DocumentRejected(f"document {document.doc_id} is rejected: {result.reason}")
                case WriteStatus.BUSY:
                    busy.append(document)
                    reason = result.reason
        return busy, reason

    def without_purged(self, positions: set[Position]) -> set[Position]:
        """Return the positions of documents that no purge had to remove. A purge after the switch removes the documents
        that searches see, and their remains in the source must not reappear.

        :raises StoreUnavailable: the store does not answer.
        """
        heads = self.heads({UUID(position.asset_id) for position in positions})
        return {position for position in positions if not _is_purged(position, heads.get(UUID(position.asset_id)))}

    def _page(self, copy: Copy, after: Position | None) -> list[RawDocument]:
        return self.documents.page(copy.source, copy.of, after=after, since=copy.since, limit=PAGE)


def _is_purged(position: Position, head: Asset | None) -> bool:
    # Versions increase, and start from 1 again only after a purge.
    return head is not None and (head.state is State.PURGED or position.version > head.version)
