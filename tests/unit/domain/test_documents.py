"""Search documents: the parts of an asset that both indices store."""

from dataclasses import replace
from uuid import uuid4

import pytest

from amp.domain.assets import Asset, State, Version, version_of
from amp.domain.documents import (
    SearchDocument,
    dropped_document,
    head_doc_id,
    head_document,
    superseded_doc_id,
    superseded_document,
)
from amp.domain.ids import mint_at
from amp.domain.sort_values import sort_value
from amp.domain.times import parse_ms
from amp.domain.types import AssetType, Field, FieldType

CREATED_MS = 1_700_000_000_123
MOVIE = AssetType(
    name="movie",
    version=1,
    fields={
        "title": Field(type=FieldType.STRING),
        "plot": Field(type=FieldType.TEXT),
        "cameraId": Field(type=FieldType.LONG),
        "rating": Field(type=FieldType.DOUBLE),
        "seen": Field(type=FieldType.BOOLEAN),
        "released": Field(type=FieldType.DATE),
        "tags": Field(type=FieldType.STRING, array=True),
        "sizes": Field(type=FieldType.LONG, array=True),
    },
)
ALIEN = Asset(
    id=mint_at(CREATED_MS),
    type="movie",
    type_version=1,
    project="default",
    external_id="tt-0078748",
    name="Alien: Director's Cut",
    metadata={
        "title": "Alien",
        "plot": "In space no one can hear you scream.",
        "cameraId": 42323243,
        "rating": 8.5,
        "seen": True,
        "released": "1979-05-25T00:00:00.000Z",
        "tags": ("Horror", "Horror", "Sci-Fi"),
        "sizes": (),
    },
    labels=("classic",),
    version=3,
    revision=5,
    state=State.ACTIVE,
    created_by="ridley",
    updated_ms=1_700_000_001_000,
    updated_by="ripley",
    all_revision=1,
    change_id=uuid4(),
)
OLD: Version = replace(version_of(ALIEN), version=2, revision=3, name="Star Beast", metadata={"rating": 7.0}, labels=())


def test_the_head_document_has_the_id_and_the_revision_of_the_asset() -> None:
    document = head_document(ALIEN, MOVIE, b"{}")
    assert (document.doc_id, document.revision) == (str(ALIEN.id), 5) == (head_doc_id(ALIEN.id), 5)
    body = document.body
    assert body["latest"]
    assert not body["deleted"]
    assert (body["asset_id"], body["version"], body["revision"]) == (str(ALIEN.id), 3, 5)
    assert body["created_ms"] == body["created"] == CREATED_MS
    assert body["updated"] == 1_700_000_001_000
    assert (body["type"], body["project"], body["state"]) == ("movie", "default", "active")
    assert (body["external_id"], body["name"], body["labels"]) == ("tt-0078748", "Alien: Director's Cut", ["classic"])
    assert body["source"] == b"{}"


def test_every_value_is_an_entry_of_its_kind() -> None:
    released_ms = parse_ms("1979-05-25")
    assert head_document(ALIEN, MOVIE, b"{}").body["metadata"] == [
        {"key": "title", "string_value": "Alien", "text_value": "alien", "sort_value": "4Alien"},
        {"key": "plot", "text_value": "in space no one can hear you scream"},
        {"key": "cameraId", "long_value": 42323243, "sort_value": sort_value(FieldType.LONG, 42323243)},
        {"key": "rating", "double_value": 8.5, "sort_value": sort_value(FieldType.DOUBLE, 8.5)},
        {"key": "seen", "boolean_value": True, "sort_value": "3true"},
        {"key": "released", "date_value": released_ms, "sort_value": sort_value(FieldType.DATE, released_ms)},
        {"key": "tags", "string_value": "Horror", "text_value": "horror", "sort_value": "4Horror"},
        {"key": "tags", "string_value": "Sci-Fi", "text_value": "sci fi", "sort_value": "4Sci-Fi"},
    ]


def test_words_hold_all_searchable_text_and_name_words_only_the_name() -> None:
    body = head_document(ALIEN, MOVIE, b"{}").body
    assert body["name_words"] == "alien directors cut"
    words = body["words"].split(" ")
    for word in ("directors", "tt", "0078748", "classic", "scream", "horror", "sci", "fi"):
        assert word in words
    assert "42323243" not in words
    assert "" not in words


def test_an_asset_without_any_text_has_no_words() -> None:
    bare = replace(ALIEN, name="", external_id=None, labels=(), metadata={"cameraId": 1, "tags": ("",)})
    body = head_document(bare, MOVIE, b"{}").body
    assert body["words"] == body["name_words"] == ""
    assert "external_id" not in body


def test_a_superseded_version_has_its_content_at_the_present_revision() -> None:
    document = superseded_document(ALIEN, OLD, MOVIE, b"old")
    assert (document.doc_id, document.revision) == (f"{ALIEN.id}:2", 5) == (superseded_doc_id(ALIEN.id, 2), 5)
    body = document.body
    assert not body["latest"]
    assert (body["version"], body["revision"], body["name"], body["labels"]) == (2, 5, "Star Beast", [])
    assert [entry["key"] for entry in body["metadata"]] == ["rating"]
    assert body["created_ms"] == CREATED_MS
    assert body["source"] == b"old"


def _is_tombstone(body: SearchDocument) -> bool:
    kept = {"asset_id", "version", "revision", "latest", "deleted", "created_ms", "created", "type", "project"}
    return body["deleted"] and set(body) == kept


@pytest.mark.parametrize("state", [State.DELETED, State.PURGED])
def test_documents_of_an_asset_that_is_not_active_are_tombstones(state: State) -> None:
    gone = replace(ALIEN, state=state)
    head, old = head_document(gone, MOVIE, b"{}"), superseded_document(gone, OLD, MOVIE, b"{}")
    assert _is_tombstone(head.body)
    assert _is_tombstone(old.body)
    assert (head.body["latest"], old.body["latest"]) == (True, False)
    assert (head.revision, old.revision) == (5, 5)


def test_a_dropped_version_leaves_a_tombstone_beside_a_living_head() -> None:
    document = dropped_document(ALIEN, 1)
    assert (document.doc_id, document.revision) == (f"{ALIEN.id}:1", 5)
    assert _is_tombstone(document.body)
    assert not document.body["latest"]
    assert document.body["version"] == 1
