"""Words of few documents are tested one document at a time, and words of many are searched for, with equal answers."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from amp.adapters.embedded import search_query
from amp.adapters.embedded.search_bucket_documents import SqliteBucketDocuments
from amp.adapters.embedded.search_bucket_indices import SqliteBucketIndices
from amp.adapters.embedded.search_component import SearchComponent
from amp.adapters.embedded.search_database import SearchDatabase
from amp.adapters.embedded.search_index import SqliteSearchIndex
from amp.domain.criteria import (
    AllOf,
    Criteria,
    EntryMatches,
    NotOf,
    OneOf,
    Prefix,
    Range,
    RootField,
    RootMatches,
    Test,
    TextMatches,
    Words,
)
from amp.domain.types import FieldType
from tests.support.search.criteria_cases import CASES, LIBRARY
from tests.support.search.profiles import SearchProfile, asset, head, names

_WAYS = {"tested": 1_000, "searched": 0}
_FILMS = [
    asset("rock city", at=1, labels=["blue"], metadata={"tags": ("rock roll", "city lights"), "codec": "Night one"}),
    asset("roll", at=2, labels=["rock"], metadata={"tags": ("rock city",), "synopsis": "rock and roll by night"}),
    asset("night", at=3, metadata={"tags": ("rocky", "citylights", "3.14 2"), "synopsis": "city"}),
]


def tags(*tests: Test) -> Criteria:
    return EntryMatches("tags", FieldType.STRING, tests)


_CASES: dict[str, tuple[Criteria, set[str]]] = {
    "a word of one field": (tags(Words(("rock",))), {"rock city", "roll"}),
    "words of one entry": (tags(Words(("rock", "city"))), {"roll"}),
    "words of one entry in two tests": (tags(Words(("city",)), Words(("rock",))), {"roll"}),
    "a word that is only in other fields": (EntryMatches("synopsis", FieldType.TEXT, (Words(("one",)),)), set()),
    "a word of the field in another kind": (EntryMatches("tags", FieldType.TEXT, (Words(("rock",)),)), set()),
    "a word and the value of its entry": (tags(Words(("rock",)), Prefix("rock r")), {"rock city"}),
    "a word and the value of another entry": (tags(Words(("rock",)), Prefix("city")), set()),
    "a word and a range of its entry": (tags(Range("city", "d"), Words(("lights",))), {"rock city"}),
    "a word of the name": (RootMatches(RootField.NAME, (Words(("rock",)),)), {"rock city"}),
    "a word of the name that is elsewhere": (RootMatches(RootField.NAME, (Words(("blue",)),)), set()),
    "words anywhere": (TextMatches(("rock", "night")), {"rock city", "roll"}),
    "a word of a label": (TextMatches(("blue",)), {"rock city"}),
    "a number": (TextMatches(("3.14",)), {"night"}),
    "a part of a number": (TextMatches(("14",)), set()),
    "parts of words": (TextMatches(("roc",)), set()),
    "not a word": (NotOf(TextMatches(("roll",))), {"night"}),
}


@pytest.fixture(name="search_profile")
def make_search_profile(tmp_path: Path) -> Iterator[SearchProfile]:
    database = SearchDatabase(tmp_path)
    with closing(database):
        SearchComponent(database).migrate()
        yield SearchProfile(
            index=SqliteSearchIndex(database),
            indices=SqliteBucketIndices(database),
            documents=SqliteBucketDocuments(database),
            prefix="amp",
        )


def filtered(criteria: Criteria, ids: tuple[str, ...]) -> Criteria:
    """Criteria that are only tested: the documents are found by their ids, because a negation has no index."""
    return AllOf((RootMatches(RootField.ID, (OneOf(ids),)), NotOf(NotOf(criteria))))


@pytest.mark.parametrize("way", _WAYS)
def test_words_of_found_documents_hold_exactly_if_they_occur(
    search_profile: SearchProfile, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_query, "_FEW", _WAYS[way])
    bucket = search_profile.bucket()
    for content, cases in ((_FILMS, _CASES), (LIBRARY, CASES)):
        ids = tuple(str(one.id) for one in content)
        search_profile.store(bucket, [head(one) for one in content])
        for name, (criteria, expected) in cases.items():
            assert set(names(search_profile.search(filtered(criteria, ids)))) == expected, name
            found = search_profile.search(AllOf((RootMatches(RootField.ID, (OneOf(ids),)), criteria)))
            assert set(names(found)) == expected, name


@pytest.mark.parametrize("way", _WAYS)
def test_words_are_tested_if_few_documents_are_left(
    search_profile: SearchProfile, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_query, "_FEW", 3 if way == "tested" else 2)
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(one) for one in _FILMS])
    statements: list[str] = []
    with search_profile.index._database.read(5) as connection:  # type: ignore[attr-defined]
        connection.set_trace_callback(statements.append)
    two = tuple(str(one.id) for one in _FILMS[:2])
    assert search_profile.search(filtered(TextMatches(("night",)), two)).total == 2
    [collected] = [statement for statement in statements if statement.startswith("INSERT INTO matches")]
    assert ("MATCH" in collected) is (way == "searched")
