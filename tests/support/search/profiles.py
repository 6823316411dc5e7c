"""The search adapters of both profiles behind their ports, and real search documents to put into them."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import orjson
import pytest

from amp.domain.assets import Asset, State, Value, asset_json, version_json, version_of
from amp.domain.buckets import Bucket, index_name
from amp.domain.criteria import EVERYTHING, Criteria, Hit, IndexQuery, SearchPage
from amp.domain.documents import IndexedDocument, head_document, superseded_document
from amp.domain.ids import mint_at
from amp.domain.types import AssetType, Field, FieldType
from amp.ports.bucket_documents import BucketDocuments
from amp.ports.bucket_indices import AliasChange, BucketIndices, ReadFilter
from amp.ports.search_index import Put, PutResult, SearchIndex, WriteStatus

if TYPE_CHECKING:
    from amp.adapters.elasticsearch.client import ElasticsearchClient

#: `code` has another kind in each type; everything else means the same wherever it is.
TYPES = {
    "clip": AssetType(
        name="clip",
        version=1,
        fields={
            "codec": Field(type=FieldType.STRING),
            "tags": Field(type=FieldType.STRING, array=True),
            "synopsis": Field(type=FieldType.TEXT),
            "cameraId": Field(type=FieldType.LONG),
            "takes": Field(type=FieldType.LONG, array=True),
            "gain": Field(type=FieldType.DOUBLE),
            "live": Field(type=FieldType.BOOLEAN),
            "shot": Field(type=FieldType.DATE),
            "code": Field(type=FieldType.LONG),
        },
    ),
    "still": AssetType(
        name="still",
        version=1,
        fields={"codec": Field(type=FieldType.STRING), "code": Field(type=FieldType.STRING)},
    ),
    "sound": AssetType(name="sound", version=1, fields={"code": Field(type=FieldType.DOUBLE)}),
}
#: 2026-01-01; assets are made so many milliseconds after it.
NEW_YEAR_MS = 1_767_225_600_000


@dataclass(frozen=True, kw_only=True)
class SearchProfile:
    index: SearchIndex
    indices: BucketIndices
    documents: BucketDocuments
    prefix: str
    _generations: list[int] = field(default_factory=list)

    def new_index(self, start_s: int = 0) -> str:
        """The name of an index there has never been, not yet made."""
        self._generations.append(0)
        return index_name(self.prefix, start_s, len(self._generations))

    def bucket(self, start_s: int = 0, end_s: int | None = None, *, token: int = 1) -> Bucket:
        """A new bucket that can be written and searched."""
        bucket = Bucket(start_s=start_s, index=self.new_index(start_s), token=token)
        assert self.indices.create(bucket.index)
        opened = AliasChange(
            add_write=((bucket.index, bucket.write_alias),),
            set_read=(ReadFilter(bucket.index, start_s * 1000, None if end_s is None else end_s * 1000),),
        )
        assert self.indices.change_aliases(opened)
        return bucket

    def put(self, bucket: Bucket | str, *documents: IndexedDocument) -> list[PutResult]:
        alias = bucket if isinstance(bucket, str) else bucket.write_alias
        return self.index.put([Put(alias, document) for document in documents])

    def store(self, bucket: Bucket, documents: Iterable[IndexedDocument]) -> None:
        """Put them and make them visible."""
        results = self.put(bucket, *documents)
        assert {result.status for result in results} <= {WriteStatus.DONE}, results
        self.indices.refresh([bucket.index])

    def empty_bucket(self, start_s: int = 0) -> Bucket:
        """A new bucket that can be written, and that no search sees."""
        bucket = Bucket(start_s=start_s, index=self.new_index(start_s), token=1)
        assert self.indices.create(bucket.index)
        assert self.indices.change_aliases(AliasChange(add_write=((bucket.index, bucket.write_alias),)))
        return bucket

    def search(self, criteria: Criteria = EVERYTHING, **request: object) -> SearchPage:
        return self.index.search(IndexQuery(criteria=criteria, **request))  # type: ignore[arg-type]

    def documents_in(self, index: str) -> int:
        return next(info.documents for info in self.indices.info() if info.index == index)


def asset(
    name: str = "",
    *,
    at: int = 0,
    asset_id: UUID | None = None,
    type_name: str = "clip",
    metadata: Mapping[str, Value] | None = None,
    version: int = 1,
    revision: int = 1,
    labels: Iterable[str] = (),
    state: State = State.ACTIVE,
    external_id: str | None = None,
    project: str = "default",
    updated_ms: int = NEW_YEAR_MS,
) -> Asset:
    """An asset created `at` milliseconds after the new year."""
    return Asset(
        id=asset_id or mint_at(NEW_YEAR_MS + at),
        type=type_name,
        type_version=1,
        project=project,
        external_id=external_id,
        name=name,
        metadata=metadata or {},
        labels=tuple(sorted(labels)),
        version=version,
        revision=revision,
        state=state,
        created_by="ann",
        updated_ms=updated_ms,
        updated_by="ann",
        all_revision=1,
        change_id=uuid4(),
    )


def head(made: Asset) -> IndexedDocument:
    return head_document(made, TYPES[made.type], orjson.dumps(asset_json(made)))


def superseded(now: Asset, before: Asset) -> IndexedDocument:
    """The document of the version `before` of the asset that is `now` of a later one."""
    version = version_of(before)
    return superseded_document(now, version, TYPES[now.type], orjson.dumps(version_json(now, version)))


def names(hits: SearchPage | Iterable[Hit]) -> list[str]:
    """The names of the assets found, in order."""
    found = hits.hits if isinstance(hits, SearchPage) else hits
    return [orjson.loads(hit.source)["name"] for hit in found]


SEARCH_PROFILES = ["embedded", pytest.param("elasticsearch", marks=pytest.mark.cluster)]


@pytest.fixture(name="search_profile", params=SEARCH_PROFILES)
def make_search_profile(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchProfile]:
    with open_search_profile(request, tmp_path) as opened:
        yield opened


@contextmanager
def open_search_profile(request: pytest.FixtureRequest, folder: Path, *, shards: int = 1) -> Iterator[SearchProfile]:
    """The search adapters of the profile that is the parameter of the fixture behind `request`, without a bucket."""
    with ExitStack() as at_end:
        if request.param == "elasticsearch":
            yield _elasticsearch_profile(request.getfixturevalue("cluster_settings"), shards, at_end)
        else:
            yield _embedded_profile(folder, at_end)


def _embedded_profile(folder: Path, at_end: ExitStack) -> SearchProfile:
    from amp.adapters.embedded.search_bucket_documents import SqliteBucketDocuments
    from amp.adapters.embedded.search_bucket_indices import SqliteBucketIndices
    from amp.adapters.embedded.search_component import SearchComponent
    from amp.adapters.embedded.search_database import SearchDatabase
    from amp.adapters.embedded.search_index import SqliteSearchIndex

    database = SearchDatabase(folder)
    part = SearchComponent(database)
    at_end.callback(part.close)
    part.migrate()
    return SearchProfile(
        index=SqliteSearchIndex(database),
        indices=SqliteBucketIndices(database),
        documents=SqliteBucketDocuments(database),
        prefix="amp",
    )


def _elasticsearch_profile(cluster_settings: Mapping[str, str], shards: int, at_end: ExitStack) -> SearchProfile:
    from amp.adapters.elasticsearch.bucket_documents import ElasticsearchBucketDocuments
    from amp.adapters.elasticsearch.bucket_indices import ElasticsearchBucketIndices
    from amp.adapters.elasticsearch.component import ElasticsearchComponent
    from amp.adapters.elasticsearch.search_index import ElasticsearchSearchIndex

    client = elasticsearch_client(cluster_settings, elasticsearch_shards=shards)
    part = ElasticsearchComponent(client)
    at_end.callback(part.close)
    part.migrate()
    at_end.callback(remove_everything, client)
    return SearchProfile(
        index=ElasticsearchSearchIndex(client),
        indices=ElasticsearchBucketIndices(client),
        documents=ElasticsearchBucketDocuments(client),
        prefix=client.prefix,
    )


def elasticsearch_client(cluster_settings: Mapping[str, str], **overrides: object) -> "ElasticsearchClient":
    """A client with a prefix of its own on the real server."""
    from amp.adapters.elasticsearch.client import ElasticsearchClient
    from amp.settings import load_settings

    values: dict[str, object] = {name.removeprefix("AMP_").lower(): value for name, value in cluster_settings.items()}
    prefix = f"test{secrets.token_hex(6)}"
    return ElasticsearchClient(load_settings(values | {"elasticsearch_index_prefix": prefix} | overrides))


def remove_everything(client: "ElasticsearchClient") -> None:
    """Every index and template of the client's prefix."""
    for index in client.api.indices.get(index=f"{client.prefix}-*", features="aliases"):
        client.api.indices.delete(index=index)
    client.api.options(ignore_status=404).indices.delete_index_template(name=f"{client.prefix}-*")
