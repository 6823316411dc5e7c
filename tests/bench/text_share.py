"""`python -m tests.bench.text_share`: the cost of a whole write to the embedded search database, and the share of the
inverted index in it, with the documents that the indices are measured with. The argument is the number of documents.
"""

import random
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any
from uuid import UUID

import orjson

from amp.adapters.embedded.search_bucket_indices import SqliteBucketIndices
from amp.adapters.embedded.search_component import SearchComponent
from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_index import SqliteSearchIndex
from amp.domain.assets import Asset, State
from amp.domain.documents import head_document
from amp.domain.ids import mint_at
from amp.domain.types import AssetType, Field, FieldType
from amp.ports.bucket_indices import AliasChange, ReadFilter
from amp.ports.search_index import Put
from tests.bench.text_documents import FIELDS, TextDocument, documents
from tests.bench.text_writes import written_bytes

_SEED = 7
_BATCH = 500
_CHANGES_BATCH = 100
_NUMBERS = ("gross", "budget", "rating", "votes")
_KEYS = {number: key.replace(" ", "_") for key, number in FIELDS.items()}
_TYPE = AssetType(
    name="film",
    version=1,
    fields={
        **{key: Field(type=FieldType.STRING, array=key == "cast") for key in _KEYS.values()},
        "notes": Field(type=FieldType.TEXT),
        **{key: Field(type=FieldType.DOUBLE) for key in _NUMBERS},
    },
)


def share(contents: Sequence[TextDocument]) -> str:
    """Return the CPU time of whole writes, and the share of the tables in the file."""
    with tempfile.TemporaryDirectory() as folder:
        database = SearchDatabase(Path(folder))
        SearchComponent(database).migrate()
        indices, index = SqliteBucketIndices(database), SqliteSearchIndex(database)
        indices.create("bucket")
        reads = (ReadFilter("bucket", 0, None),)
        assert indices.change_aliases(AliasChange(add_write=(("bucket", "alias"),), set_read=reads))
        assets = [_asset(document) for document in contents]
        indexing = _put(index, assets)
        chosen = random.Random(_SEED).sample(assets, len(assets) // 50)
        replacing = _put(index, [replace(asset, revision=2) for asset in chosen], _CHANGES_BATCH)
        database.close()
        with closing(sqlite3.connect(Path(folder) / "search.db")) as connection:
            sizes = connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY 1 ORDER BY 2 DESC").fetchall()
    total = sum(size for _, size in sizes)
    tables = ", ".join(f"{name} {size / total:.0%}" for name, size in sizes if size > total / 100)
    return (
        f"whole write of a document: {indexing}; replacing one: {replacing};"
        f" {total / len(contents):,.0f} bytes per document: {tables}"
    )


def _put(index: SqliteSearchIndex, assets: Sequence[Asset], batch_size: int = _BATCH) -> str:
    """Write the documents of the assets, and return what one of them costs."""
    before_s, before_bytes = process_time(), written_bytes()
    for start in range(0, len(assets), batch_size):
        batch = assets[start : start + batch_size]
        index.put([Put("alias", head_document(asset, _TYPE, _source(asset))) for asset in batch])
    took_s, written = process_time() - before_s, written_bytes() - before_bytes
    return f"{took_s / len(assets) * 1e6:.3g} µs, {written / len(assets) / 1e3:.3g} kB written"


def _source(asset: Asset) -> bytes:
    return orjson.dumps({"id": str(asset.id), "name": asset.name, "metadata": asset.metadata})


def _asset(document: TextDocument) -> Asset:
    metadata: dict[str, Any] = {}
    for text in document.texts:
        key, value = _KEYS[text.field], " ".join(text.words)
        if key == "cast":
            metadata[key] = (*metadata.get(key, ()), value)
        elif key not in ("name", "other"):
            metadata[key] = value
    metadata |= {key: document.doc * (position + 0.5) for position, key in enumerate(_NUMBERS)}
    asset_id: UUID = mint_at(1_700_000_000_000 + document.doc * 1_000)
    return Asset(
        id=asset_id,
        type="film",
        type_version=1,
        project="studio",
        external_id=f"reel-{document.doc}",
        name=document.title,
        metadata=metadata,
        labels=("draft",),
        version=1,
        revision=1,
        state=State.ACTIVE,
        created_by="user:bench",
        updated_ms=1_700_000_000_000,
        updated_by="user:bench",
        all_revision=1,
        change_id=asset_id,
    )


if __name__ == "__main__":
    sys.stdout.write(share(list(documents(int(sys.argv[1])))) + "\n")
