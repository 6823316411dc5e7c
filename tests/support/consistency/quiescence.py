"""What must hold once nothing moves any more and nobody writes."""

import time
from collections.abc import Iterator
from uuid import UUID

from amp.bootstrap import Amp
from amp.domain.buckets import BucketMap
from amp.domain.ids import created_ms
from amp.domain.principals import BUCKET_WORKER
from amp.errors import Retryable
from amp.ports.message_queue import Topic
from tests.support.consistency.compare import Differences, RawDocument, index_equals_store, raw_documents
from tests.support.consistency.stored_assets import Stored, stored_assets
from tests.support.service.api_client import ApiClient, NotAnswered
from tests.support.stack.waiting import wait_until

_DRAINED_S = 600


def assert_index_equals_store(amp: Amp, api_client: ApiClient, within_s: float = 60) -> int:
    """Ids, versions, revisions, superseded documents and tombstones, each in the index of its bucket and in no other,
    and aliases as the map says; how many assets there are."""
    wait_until_indexed(amp)
    deadline_s = time.monotonic() + within_s
    while True:
        stored: list[Stored] = []
        wrong: object
        try:
            stored = list(stored_assets(amp))
            wrong = _differences(amp, api_client, stored)
        except (NotAnswered, Retryable) as e:
            wrong = e
        if not wrong:
            return len(stored)
        assert time.monotonic() < deadline_s, f"after {within_s:g} s the index is not the store's:\n{wrong}"


def wait_until_indexed(amp: Amp) -> None:
    queue = amp.adapters.queue
    wait_until(lambda: queue.lag(Topic.REALTIME, "index") == 0, _DRAINED_S, "the index worker")
    wait_until(lambda: queue.lag(Topic.RETRY, "index-retry") == 0, _DRAINED_S, "what was set aside")


def _differences(amp: Amp, api_client: ApiClient, stored: list[Stored]) -> str:
    bucket_map = amp.adapters.buckets.load()
    assert bucket_map is not None
    settings = amp.settings
    documents = list(raw_documents(settings.elasticsearch_url, settings.elasticsearch_index_prefix))
    found: Differences = index_equals_store(stored, api_client.search_all(), documents)
    wrong = [str(found)] if found else []
    wrong += [f"a move is recorded: {bucket_map.move}"] if bucket_map.move is not None else []
    wrong += [
        f"{finding.index}: {finding.problem}" for finding in amp.buckets.reconciliation.run(BUCKET_WORKER, heal=False)
    ]
    wrong += list(_misplaced(bucket_map, documents))[:5]
    return "\n".join(wrong)


def _misplaced(bucket_map: BucketMap, documents: list[RawDocument]) -> Iterator[str]:
    for document in documents:
        belongs = bucket_map.bucket_at(created_ms(UUID(document.doc_id.partition(":")[0]))).index
        if document.index != belongs:
            yield f"{document.doc_id} lies in {document.index} and belongs into {belongs}"
