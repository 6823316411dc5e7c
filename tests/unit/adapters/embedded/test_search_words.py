"""The full-text indices of the embedded search index: what many changes leave in them, and the bounds of numbers."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from amp.adapters.embedded import search_bucket_indices
from amp.adapters.embedded.search_bucket_documents import SqliteBucketDocuments
from amp.adapters.embedded.search_bucket_indices import SqliteBucketIndices
from amp.adapters.embedded.search_component import SearchComponent
from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_index import SqliteSearchIndex
from amp.adapters.embedded.search_words import MAX_DOC, MAX_ENTRY, MAX_FIELD
from amp.domain.assets import State, Value
from amp.domain.buckets import Bucket
from amp.domain.criteria import EntryMatches, TextMatches, Words
from amp.domain.documents import IndexedDocument
from amp.domain.tokens import tokenize
from amp.domain.types import FieldType
from amp.ports.bucket_documents import RawDocument, TimeRange
from amp.ports.bucket_indices import AliasChange
from amp.ports.search_index import PutResult, WriteStatus
from tests.support.search.full_text import matched_rows, postings, require_sound, row_count
from tests.support.search.profiles import SearchProfile, asset, head, names

_TEXT = "night river rain train market don't 3.14 1.85 ÉTÉ straße 日本 東京 渋谷 Αθήνα Москва ᦵᦲ x X the The"
_VOCABULARY = _TEXT.split()


def opened(folder: Path) -> tuple[SearchDatabase, SearchProfile]:
    database = SearchDatabase(folder)
    SearchComponent(database).migrate()
    return database, SearchProfile(
        index=SqliteSearchIndex(database),
        indices=SqliteBucketIndices(database),
        documents=SqliteBucketDocuments(database),
        prefix="amp",
    )


@pytest.fixture(name="search_profile")
def make_search_profile(tmp_path: Path) -> Iterator[SearchProfile]:
    database, search_profile = opened(tmp_path)
    with closing(database):
        yield search_profile


@dataclass
class Changes:
    """Random changes of an index, and the documents that it must have after them, by bucket."""

    search_profile: SearchProfile
    chance: random.Random
    expected: dict[Bucket, dict[str, IndexedDocument]] = field(default_factory=dict)
    revision: int = 1

    def run(self, count: int) -> None:
        for _ in range(3):
            self.open_bucket()
        steps = [self.put, self.put, self.replace, self.replace, self.remove, self.move, self.refuse]
        for _ in range(count):
            self.revision += 1
            self.chance.choice(steps)()

    def open_bucket(self) -> Bucket:
        bucket = self.search_profile.empty_bucket(len(self.expected))
        self.expected[bucket] = {}
        return bucket

    def put(self) -> None:
        self._write(self._bucket(), [self._document() for _ in range(self.chance.randrange(1, 5))])

    def replace(self) -> None:
        """Some by documents without words, some twice in one batch."""
        bucket = self._bucket()
        chosen = self._some_of(bucket)
        changed = [self._document(chosen_id) for chosen_id in chosen for _ in range(self.chance.randrange(1, 3))]
        self._write(bucket, changed)

    def remove(self) -> None:
        bucket = self._bucket()
        chosen = self._some_of(bucket)
        removed = [document for document in self._stored(bucket) if document.doc_id in chosen]
        results = self.search_profile.documents.delete(bucket.write_alias, removed)
        assert {result.status for result in results} <= {WriteStatus.DONE}
        for document in removed:
            del self.expected[bucket][document.doc_id]

    def move(self) -> None:
        """Copy a bucket into a new one, which may have some of the documents already, and drop it."""
        source, target = self._bucket(), self.open_bucket()
        stored = self._stored(source)
        for _ in range(2):
            self.search_profile.documents.put(target.write_alias, stored)
        self.expected[target] = self.expected.pop(source)
        self.search_profile.indices.drop(source.index)

    def refuse(self) -> None:
        """A batch of which one document cannot be stored: it is rolled back, and the others are written one by one."""
        bad = self._document()
        bad.body["version"] = 2**63
        bucket, good = self._bucket(), [self._document(), self._document()]
        statuses = [result.status for result in self.search_profile.put(bucket, good[0], bad, good[1])]
        assert statuses == [WriteStatus.DONE, WriteStatus.REJECTED, WriteStatus.DONE]
        self.expected[bucket].update({document.doc_id: document for document in good})

    def _write(self, bucket: Bucket, documents: list[IndexedDocument]) -> None:
        assert all(result.status is WriteStatus.DONE for result in self.search_profile.put(bucket, *documents))
        self.expected[bucket].update({document.doc_id: document for document in documents})

    def _bucket(self) -> Bucket:
        return self.chance.choice(list(self.expected))

    def _some_of(self, bucket: Bucket) -> list[str]:
        stored = sorted(self.expected[bucket])
        return self.chance.sample(stored, min(len(stored), self.chance.randrange(1, 4)))

    def _stored(self, bucket: Bucket) -> list[RawDocument]:
        return self.search_profile.documents.page(bucket.index, TimeRange(0), limit=10_000)

    def _document(self, doc_id: str | None = None) -> IndexedDocument:
        # Some have no words at all.
        state = self.chance.choice([State.ACTIVE] * 4 + [State.DELETED])
        metadata: dict[str, Value] = {
            "synopsis": self._text(12),
            "codec": self._text(2),
            "tags": tuple(self._text(2) for _ in range(self.chance.randrange(4))),
            "cameraId": 7,
        }
        made = asset(
            self._text(3),
            at=self.chance.randrange(1 << 30),
            metadata=metadata,
            labels=[self._text(1)],
            external_id=self._text(1) or None,
            revision=self.revision,
            state=state,
        )
        document = head(made)
        return document if doc_id is None else IndexedDocument(doc_id, document.revision, document.body)

    def _text(self, most: int) -> str:
        return " ".join(self.chance.choices(_VOCABULARY, k=self.chance.randrange(most + 1)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_many_changes_the_index_equals_a_new_one(
    search_profile: SearchProfile, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_bucket_indices, "_DROP_BATCH", 5)
    changes = Changes(search_profile, random.Random(seed))
    changes.run(300)
    database, fresh = opened(tmp_path / "fresh")
    with closing(database):
        for bucket, documents in changes.expected.items():
            assert fresh.indices.create(bucket.index)
            assert fresh.indices.change_aliases(AliasChange(add_write=((bucket.index, bucket.write_alias),)))
            fresh.store(bucket, documents.values())
    found = postings(tmp_path)
    assert found == postings(tmp_path / "fresh")
    require_sound(tmp_path)
    for table in ("entry_words", "document_words"):
        by_word = Counter(posting.word for posting in found if (posting.field is None) == (table == "document_words"))
        assert by_word == {word: len(rows) for word, rows in matched_rows(tmp_path, table, by_word).items()}
        assert by_word.total() > 100
    assert {posting.word for posting in found} == set(tokenize(_TEXT))


def put_numbered(database: SearchDatabase, search_profile: SearchProfile, bucket: Bucket, last_doc: int) -> PutResult:
    """Put one document when `last_doc` is the number of the last one."""
    with database.write() as connection:
        connection.execute("UPDATE numbers SET doc = ?", (last_doc,))
    [result] = search_profile.put(bucket, head(asset("night", metadata={"synopsis": "river rain"})))
    return result


def test_the_greatest_numbers_of_all_are_found_and_removed(tmp_path: Path) -> None:
    database, search_profile = opened(tmp_path)
    with closing(database):
        bucket = search_profile.bucket()
        with database.write() as connection:
            connection.execute("UPDATE numbers SET doc = ?", (MAX_DOC - 1,))
            fields = [(1, "cameraId", FieldType.LONG), (MAX_FIELD, "synopsis", FieldType.TEXT)]
            connection.executemany("INSERT INTO fields (id, key, kind, latest) VALUES (?, ?, ?, 1)", fields)
        document = head(asset(metadata={"synopsis": "river rain"}))
        document.body["metadata"] = [{"key": "cameraId", "long_value": 1, "sort_value": "1"}] * MAX_ENTRY
        document.body["metadata"].append({"key": "synopsis", "text_value": "river rain"})
        search_profile.store(bucket, [document])
        assert matched_rows(tmp_path, "entry_words", ["rain"]) == {"rain": [(1 << 63) - 1]}
        in_synopsis = EntryMatches("synopsis", FieldType.TEXT, (Words(("rain", "river")),))
        assert search_profile.search(in_synopsis).total == 1
        search_profile.indices.drop(bucket.index)
        assert row_count(tmp_path, "entry_words") == row_count(tmp_path, "document_words") == 0


def test_without_a_number_for_a_document_nothing_is_written(tmp_path: Path) -> None:
    database, search_profile = opened(tmp_path)
    with closing(database):
        bucket = search_profile.bucket()
        assert put_numbered(database, search_profile, bucket, MAX_DOC - 1).status is WriteStatus.DONE
        refused = put_numbered(database, search_profile, bucket, MAX_DOC)
        # The change is not lost: a busy write is repeated.
        assert refused.status is WriteStatus.BUSY
        assert "assigned all of its 2147483647 document numbers: stop AMP and remove search.db" in refused.reason
        assert names(search_profile.search(TextMatches(("night",)))) == ["night"]


def test_a_document_with_one_field_too_many_is_rejected(tmp_path: Path) -> None:
    database, search_profile = opened(tmp_path)
    with closing(database):
        bucket = search_profile.bucket()
        with database.write() as connection:
            connection.execute("INSERT INTO fields (id, key, kind, latest) VALUES (?, 'last', 'text', 1)", (MAX_FIELD,))
        for _ in range(2):
            [refused] = search_profile.put(bucket, head(asset(metadata={"synopsis": "river"})))
            assert refused.status is WriteStatus.REJECTED
            assert "at most 262143 metadata keys" in refused.reason
        assert row_count(tmp_path, "entry_words") == 0


def test_a_document_with_one_entry_too_many_is_rejected(search_profile: SearchProfile, tmp_path: Path) -> None:
    bucket = search_profile.bucket()
    document = head(asset())
    document.body["metadata"] = [{"key": "tags", "text_value": "x"}] * (MAX_ENTRY + 2)
    [refused] = search_profile.put(bucket, document)
    assert refused.status is WriteStatus.REJECTED
    assert "at most 16384 entries with words" in refused.reason
    assert row_count(tmp_path, "entry_words") == 0


def test_many_words_of_one_document_are_found_together(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    words = tuple(f"word{n}" for n in range(300))
    search_profile.store(bucket, [head(asset(metadata={"synopsis": " ".join(words)}))])
    for wanted in (words, words[::-1] * 2):
        assert search_profile.search(TextMatches(wanted)).total == 1
        assert search_profile.search(EntryMatches("synopsis", FieldType.TEXT, (Words(wanted),))).total == 1
    assert search_profile.search(TextMatches((*words, "other"))).total == 0
