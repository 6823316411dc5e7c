"""Handles change messages: brings the search documents of the changed assets up to date with the store."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from amp.domain.messages import AssetChanged, Message
from amp.ports.metrics import IndexingMetrics
from amp.services.buckets.refusals import PROBE_S
from amp.services.buckets.settlement import Patience
from amp.services.indexing.build_documents import BuiltDocuments, DocumentBuilder
from amp.services.indexing.deferred import DeferredAssets
from amp.services.indexing.retry_queue import RetryQueue
from amp.services.indexing.write_documents import AssetDocuments, DocumentWriter, IndexResult
from amp.services.runtime.consumer import Failure
from amp.services.runtime.retry import Stopped, retry_until_stopped

#: The consumer group that indexes live traffic.
INDEX_GROUP = "index"
#: Total time, in seconds, for which documents that an index does not accept are retried. They are tried again later,
#: so that they delay nothing else.
_PATIENCE_S = 30.0

_Changes = Mapping[UUID, Sequence[AssetChanged]]


@dataclass(frozen=True, kw_only=True)
class AssetIndexer:
    builder: DocumentBuilder
    writer: DocumentWriter
    retries: RetryQueue
    metrics: IndexingMetrics

    def handle(self, messages: Sequence[Message], stop: threading.Event) -> Mapping[Message, Failure]:
        """Index the assets that these messages are about. Return the messages that become dead letters, with the
        reason.

        :raises Stopped: `stop` was set before all was done.
        """
        changes = _changes_among(messages)
        deferred = DeferredAssets(changes, self.retries.add)
        return self._settled(messages, self._index(changes, stop, deferred), deferred.ids)

    def handle_retries(self, messages: Sequence[Message], stop: threading.Event) -> Mapping[Message, Failure]:
        """Index the changes of the retry queue as `handle` does. Those whose bucket still refuses writes go back into
        the queue, after one pause for all of them.

        :raises Stopped: `stop` was set before all was done.
        """
        rejected: dict[UUID, str] = {}
        pending: Sequence[AssetChanged] = _changes_among(messages)
        while pending:
            deferred = DeferredAssets(pending, lambda _: True)
            rejected |= self._index(pending, stop, deferred)
            pending = deferred.changes
            if pending and stop.wait(PROBE_S):
                raise Stopped
            if pending and self.retries.put_back(pending):
                break
        return self._settled(messages, rejected, {change.asset_id for change in pending})

    def index(self, changes: Sequence[AssetChanged], stop: threading.Event) -> Mapping[UUID, str]:
        """Index the assets of these changes, however long it takes. Changes of a bucket that refuses writes go into the
        retry queue if it has room. Return the assets that the index rejects, with the reason.

        :raises Stopped: `stop` was set before all was done.
        """
        return self._index(changes, stop, DeferredAssets(changes, self.retries.add))

    def index_all(self, ids: Sequence[UUID], stop: threading.Event) -> IndexResult:
        """Write every document that the index should hold of these assets. Once the pauses between retries
        exceed 30 seconds in total, the remaining assets count as refused.

        :raises StoreUnavailable: the store does not answer.
        :raises Stopped: `stop` was set before all were written.
        """
        run = _Run(stop, DeferredAssets((), lambda _: True), self.builder.build, Patience(_PATIENCE_S))
        rejected = self._write(dict.fromkeys(ids, ()), run)
        return IndexResult(run.known, rejected, run.deferred.ids)

    def _settled(
        self, messages: Sequence[Message], rejected: Mapping[UUID, str], deferred: Collection[UUID]
    ) -> Mapping[Message, Failure]:
        failures: dict[Message, Failure] = {}
        indexed = 0
        for message in messages:
            if not isinstance(message, AssetChanged):
                failures[message] = Failure("the message is not a change message")
            elif message.asset_id in rejected:
                failures[message] = Failure(rejected[message.asset_id])
            elif message.asset_id not in deferred:
                indexed += 1
        self.metrics.changes_indexed(indexed)
        return failures

    def _index(
        self, changes: Sequence[AssetChanged], stop: threading.Event, deferred: DeferredAssets
    ) -> Mapping[UUID, str]:
        def build(some: _Changes) -> BuiltDocuments:
            return retry_until_stopped(partial(self.builder.build, some), stop, "index")

        return self._write(_by_asset(changes), _Run(stop, deferred, build))

    def _write(self, changes: _Changes, run: "_Run") -> dict[UUID, str]:
        def built() -> Iterator[Sequence[AssetDocuments]]:
            pending = deque(changes)
            for ids in self.builder.steps(pending):
                # Assets whose bucket refuses writes are not even read.
                if some := {asset_id: changes[asset_id] for asset_id in self._accepted(ids, run)}:
                    step = run.build(some)
                    run.known.update(step.known)
                    run.heavy.extend(step.heavy)
                    pending.extend(step.left)
                    yield step.documents

        rejected = self.writer.write_in_groups(built(), run.stop, run.deferred.add, run.patience)
        for asset_id in run.heavy:
            if asset_id not in run.deferred.ids and self._accepted([asset_id], run):
                rejected |= self._write_in_parts(asset_id, changes[asset_id], run)
        return rejected

    def _accepted(self, ids: Sequence[UUID], run: "_Run") -> Sequence[UUID]:
        if run.patience is not None and run.patience.is_over:
            run.deferred.add(ids)
            return ()
        return self.writer.without_refused(ids, run.deferred.add)

    def _write_in_parts(self, asset_id: UUID, changes: Sequence[AssetChanged], run: "_Run") -> Mapping[UUID, str]:
        """Write the documents of one asset, some versions at a time."""
        rejected: dict[UUID, str] = {}
        parts = retry_until_stopped(partial(self.builder.parts, asset_id, changes), run.stop, "index")
        for numbers in parts:
            build = partial(self.builder.part, asset_id, numbers, changes if numbers is parts[-1] else None)
            documents = retry_until_stopped(build, run.stop, "index")
            rejected |= self.writer.write(documents, run.stop, run.deferred.add, run.patience)
            if asset_id in run.deferred.ids:
                break  # the whole asset is tried again later
        return rejected


@dataclass(frozen=True, slots=True)
class _Run:
    """The parameters of one call of the indexer, and its state."""

    stop: threading.Event
    deferred: DeferredAssets
    build: Callable[[_Changes], BuiltDocuments]
    patience: Patience | None = None  #: None: unlimited
    known: set[UUID] = field(default_factory=set)  #: the assets so far that the store has
    heavy: list[UUID] = field(default_factory=list)  #: the assets so far to write in parts


def _changes_among(messages: Sequence[Message]) -> list[AssetChanged]:
    return [message for message in messages if isinstance(message, AssetChanged)]


def _by_asset(changes: Iterable[AssetChanged]) -> dict[UUID, list[AssetChanged]]:
    by_asset: dict[UUID, list[AssetChanged]] = defaultdict(list)
    for change in changes:
        by_asset[change.asset_id].append(change)
    return by_asset
