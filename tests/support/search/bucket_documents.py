"""Reads and samples of the raw documents of a bucket."""

from dataclasses import replace

from amp.domain.assets import State
from amp.domain.documents import IndexedDocument
from amp.ports.bucket_documents import RawDocument, TimeRange
from amp.ports.search_index import WriteStatus
from tests.support.search.profiles import (
    SearchProfile,
    asset,
    head,
    make_search_profile,  # noqa: F401 - the fixture `search_profile`
    superseded,
)

ALL = TimeRange(0)


def walk(
    search_profile: SearchProfile, index: str, of: TimeRange = ALL, *, limit: int = 100, **how: object
) -> list[RawDocument]:
    """All documents of the range, page by page."""
    found: list[RawDocument] = []
    while True:
        after = found[-1].position if found else None
        page = search_profile.documents.page(index, of, after=after, limit=limit, **how)  # type: ignore[arg-type]
        found += page
        if not page:
            return found


def ids(documents: list[RawDocument]) -> list[str]:
    return [document.doc_id for document in documents]


def written(results: list[object]) -> list[WriteStatus]:
    return [result.status for result in results]  # type: ignore[attr-defined]


def history(at: int) -> list[IndexedDocument]:
    """An asset with two superseded versions, and one that is deleted, made in the same millisecond."""
    first = asset("first cut", at=at, metadata={"codec": "h264", "takes": (1, 2, 2)}, labels=["red", "raw"])
    second = replace(asset("second cut", at=at, metadata={"synopsis": "a b a"}), id=first.id, version=2, revision=2)
    third = asset("third cut", asset_id=first.id, version=3, revision=5, metadata={"gain": 0.1, "live": True})
    gone = asset("gone", at=at, revision=4, state=State.DELETED)
    return [head(third), superseded(third, first), superseded(third, second), head(gone)]


def order(document: IndexedDocument) -> tuple[int, str, int, int]:
    body = document.body
    return body["created_ms"], body["asset_id"], body["version"], document.revision
