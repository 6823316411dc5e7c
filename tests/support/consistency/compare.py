"""Does the index equal the store? By id, version and revision, and in what searches show."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from amp.domain.assets import State, asset_json, version_json
from amp.domain.documents import head_doc_id, superseded_doc_id
from tests.support.consistency.stored_assets import Stored

_PAGE = 2_000
_FIELDS = ["version", "revision", "latest", "deleted"]


@dataclass
class Differences:
    missing: list[str] = field(default_factory=list)  #: in the store, not in the index
    stale: list[str] = field(default_factory=list)  #: in both, but not the same
    ghosts: list[str] = field(default_factory=list)  #: in the index, not in the store
    duplicates: list[str] = field(default_factory=list)  #: in the index more than once

    def __bool__(self) -> bool:
        return any(vars(self).values())

    def __str__(self) -> str:
        return "\n".join(f"{len(found)} {name}: {found[:5]}" for name, found in vars(self).items())


@dataclass(frozen=True, slots=True)
class RawDocument:
    """A document as it lies in an index, tombstones included."""

    index: str
    doc_id: str
    external_version: int
    body: dict[str, Any]


def index_equals_store(
    stored: Sequence[Stored], found: Iterable[dict[str, Any]], documents: Iterable[RawDocument] | None = None
) -> Differences:
    """What differs. `found`: all that searches show, every version; `documents`: all that lies in the indices."""
    differences = Differences()
    _compare_found(stored, found, differences)
    if documents is not None:
        _compare_documents(stored, documents, differences)
    return differences


def misled_names(stored: Sequence[Stored], resolve: Callable[[str, str], list[dict[str, Any]]]) -> list[str]:
    """External ids that do not lead to the one asset that has them. `resolve` gives what the service answers to a
    project and an external id, deleted assets included."""
    bearers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in stored:
        if one.head.external_id is not None:
            bearers[one.head.project, one.head.external_id].append(str(one.head.id))
    wrong = [f"{name} is borne by {ids}" for name, ids in bearers.items() if len(ids) > 1]
    for (project, external_id), ids in bearers.items():
        items = resolve(project, external_id)
        led = [(item["project"], item["external_id"], item["id"]) for item in items]
        if led != [(project, external_id, ids[0])]:
            wrong.append(f"{(project, external_id)} of {ids} leads to {led}")
    return wrong


def _compare_found(stored: Sequence[Stored], found: Iterable[dict[str, Any]], differences: Differences) -> None:
    shown: dict[str, dict[str, Any]] = {}
    for item in found:
        name = f"{item['id']} version {item['version']}"
        if name in shown:
            differences.duplicates.append(f"search shows {name} twice")
        shown[name] = item
    expected = {f"{one['id']} version {one['version']}": one for one in _items(stored)}
    differences.missing += [f"search lacks {name}" for name in expected.keys() - shown.keys()]
    differences.ghosts += [f"search shows {name}" for name in shown.keys() - expected.keys()]
    for name in expected.keys() & shown.keys():
        if shown[name] != expected[name]:
            differences.stale.append(f"search shows {shown[name]} instead of {expected[name]}")


def _items(stored: Sequence[Stored]) -> Iterator[dict[str, Any]]:
    """What searches must show, in plain JSON."""
    for one in stored:
        if one.head.state is State.ACTIVE:
            older = [version for number, version in one.versions.items() if number != one.head.version]
            for item in [asset_json(one.head), *(version_json(one.head, version) for version in older)]:
                yield json.loads(json.dumps(item))


def _compare_documents(stored: Sequence[Stored], documents: Iterable[RawDocument], differences: Differences) -> None:
    there: dict[str, RawDocument] = {}
    places: Counter[str] = Counter()
    for document in documents:
        places[document.doc_id] += 1
        there[document.doc_id] = document
    differences.duplicates += [f"{doc_id} lies in {count} indices" for doc_id, count in places.items() if count > 1]
    for one in stored:
        for number in one.versions:
            is_head = number == one.head.version
            doc_id = head_doc_id(one.head.id) if is_head else superseded_doc_id(one.head.id, number)
            document = there.pop(doc_id, None)
            if document is None:
                differences.missing.append(f"no document {doc_id}")
            elif (wrong := _wrong(one, number, document)) is not None:
                differences.stale.append(f"{document}: {wrong}")
    differences.ghosts += [f"{document}" for document in there.values()]


def _wrong(one: Stored, number: int, document: RawDocument) -> str | None:
    body, head = document.body, one.head
    is_head = number == head.version
    # A superseded document need not be newer than what superseded it, or what changed all documents since.
    least = head.revision if is_head else max(head.all_revision, one.versions[number + 1].revision)
    wanted = {"version": number, "latest": is_head, "deleted": head.state is not State.ACTIVE}
    if any(body[name] != value for name, value in wanted.items()):
        return f"should be {wanted}"
    if not least <= document.external_version <= head.revision or body["revision"] != document.external_version:
        return f"should be of revision {least} to {head.revision}"
    return None


def raw_documents(url: str, prefix: str) -> Iterator[RawDocument]:
    """Every document of every bucket's index, past all aliases and their filters."""
    with httpx.Client(base_url=url, timeout=60) as client:
        client.post(f"/{prefix}-*/_refresh").raise_for_status()
        body: dict[str, Any] = {
            "size": _PAGE,
            "version": True,
            "_source": _FIELDS,
            "sort": ["asset_id", "version", "_index"],
        }
        while True:
            answer = client.post(f"/{prefix}-*/_search", json=body)
            answer.raise_for_status()
            hits = answer.json()["hits"]["hits"]
            for hit in hits:
                yield RawDocument(hit["_index"], hit["_id"], hit["_version"], hit["_source"])
            if len(hits) < _PAGE:
                return
            body["search_after"] = hits[-1]["sort"]
