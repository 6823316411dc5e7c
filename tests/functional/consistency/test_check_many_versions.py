"""A check of an asset with many large versions holds a few of them in memory at a time."""

import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from amp.domain.assets import Asset
from amp.domain.changes import Draft
from amp.domain.documents import Position
from amp.domain.types import Field, FieldType
from amp.ports.bucket_documents import RawDocument
from amp.ports.search_index import Put, WriteStatus
from amp.services.assets.creation import CreateRequest
from amp.services.buckets.bucket_map import BucketMaps
from amp.services.consistency.compare import Discrepancy, DocumentComparison
from amp.services.consistency.compare_names import NameComparison
from tests.support.moves.moving import current_map
from tests.support.service.wired import PRINCIPAL, Wired, embedded, wired

_VERSIONS = 60
_VERSION_BYTES = 120_000
#: Of 20 versions: what is stored, the document of each, and what is found.
_MAX_MEMORY = 64 * 1024 * 1024


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Wired]:
    with wired(embedded(tmp_path)) as found:
        yield found


def _comparer(environment: Wired) -> DocumentComparison:
    amp, a = environment.amp, environment.amp.adapters
    maps, names = BucketMaps(a.buckets, a.cache, a.clock, 1.0), NameComparison(store=a.store, claims=a.claims)
    return DocumentComparison(
        store=a.store,
        listing=a.listing,
        builder=amp.indexing.builder,
        documents=a.documents,
        maps=maps,
        catalog=amp.types.catalog,
        names=names,
    )


def _large(environment: Wired) -> Asset:
    environment.amp.types.registration.create("large", "", {"notes": Field(type=FieldType.TEXT, array=True)}, PRINCIPAL)
    notes = [f"{number:02}" + "x" * 30_000 for number in range(_VERSION_BYTES // 30_000)]
    asset = environment.amp.assets.creation.create(
        CreateRequest(Draft(type="large", name="0", metadata={"notes": notes})), PRINCIPAL
    )
    for number in range(1, _VERSIONS):
        environment.edit(asset, str(number))
    environment.amp.indexing.indexer.index_all([asset.id], threading.Event())
    environment.refresh()
    return asset


def test_many_large_versions_are_compared_some_at_a_time(environment: Wired) -> None:
    asset, document_comparison = _large(environment), _comparer(environment)
    tracemalloc.start()
    try:
        assert document_comparison.differences([asset.id]) == {}
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < _MAX_MEMORY


def test_each_fault_among_many_versions_is_found(environment: Wired) -> None:
    asset, document_comparison, a = _large(environment), _comparer(environment), environment.amp.adapters
    alias = current_map(environment).bucket_at(asset.created_ms).write_alias
    parts = environment.amp.indexing.builder.parts_of_heads(a.store.heads([asset.id]))
    built = {document.doc_id: document for part in parts for one in part for document in one.documents}
    assert len(built) == _VERSIONS
    missing, changed = (f"{asset.id}:{number}" for number in (3, 41))
    a.documents.delete(alias, [RawDocument(Position(asset.created_ms, missing, 3, _VERSIONS))])
    for doc_id in (changed, str(asset.id)):
        document = built[doc_id]
        spoiled = replace(document, body=document.body | {"name": "another"})
        assert a.index.put([Put(alias, spoiled)])[0].status is WriteStatus.DONE
    environment.refresh()
    [difference] = document_comparison.differences([asset.id]).values()
    assert sorted(difference.faults) == [
        (Discrepancy.MALFORMED, str(asset.id)),
        (Discrepancy.MALFORMED, changed),
        (Discrepancy.MISSING, missing),
    ]
