"""What checks ask of a bucket's documents, in both profiles: sums by time, the documents of assets, and likeness."""

import dataclasses
import random
from collections import defaultdict
from uuid import UUID

import pytest

from amp.domain.assets import Asset, State
from amp.domain.documents import IndexedDocument, dropped_document
from amp.domain.ids import mint_at
from amp.errors import NotFound
from amp.ports.bucket_documents import RawDocument, TimeRange, Totals
from tests.support.search.profiles import (
    NEW_YEAR_MS,
    SearchProfile,
    asset,
    head,
    make_search_profile,  # noqa: F401 - the fixture `search_profile`
    superseded,
)

ALL = TimeRange(0)
WIDTH_MS = 60_000
#: Divisible by any width that is used here.
assert NEW_YEAR_MS % WIDTH_MS == 0


def versions(at: int, **values: object) -> list[IndexedDocument]:
    """An asset of three versions at revision 5."""
    first = asset("first", at=at, **values)  # type: ignore[arg-type]
    second = dataclasses.replace(first, name="second", version=2, revision=2)
    third = dataclasses.replace(first, name="third", version=3, revision=5)
    return [head(third), superseded(third, first), superseded(third, second)]


def added_up(documents: list[IndexedDocument], of: TimeRange, width_ms: int) -> dict[int, Totals]:
    """What the documents come to, one by one."""
    found: dict[int, Totals] = defaultdict(Totals)
    for document in documents:
        body = document.body
        created_ms, latest = body["created_ms"], body["latest"]
        if created_ms < of.start_ms or (of.end_ms is not None and created_ms >= of.end_ms):
            continue
        if of.type not in (None, body["type"]) or of.project not in (None, body["project"]):
            continue
        if latest:
            one = Totals(1, int(body["deleted"]), document.revision, body["version"], 0, created_ms)
        else:
            one = Totals() if body["deleted"] else Totals(versions=body["version"], superseded=1, created=created_ms)
        found[created_ms // width_ms * width_ms] += one
    return dict(found)


def found_of(search_profile: SearchProfile, ids: list[UUID]) -> set[tuple[str, str, int]]:
    found = search_profile.documents.of_assets(ids)
    reported = {(index, document.doc_id, document.revision) for index, document in found}
    assert len(reported) == len(found), "one came twice"
    return reported


def one_of(search_profile: SearchProfile, made: Asset) -> RawDocument:
    [found] = with_bodies(search_profile, made.id)
    return found


def with_bodies(search_profile: SearchProfile, asset_id: UUID) -> list[RawDocument]:
    found = search_profile.documents.of_assets([asset_id])
    [index] = {index for index, _ in found}
    pages = search_profile.documents.with_bodies(index, [document for _, document in found])
    return [document for page in pages for document in page]


def test_sums_tell_heads_and_superseded_versions_of_each_part_apart(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    gone = asset("gone", at=WIDTH_MS - 1, version=2, revision=4, state=State.DELETED)
    search_profile.store(bucket, [*versions(0), head(gone), *versions(3 * WIDTH_MS), head(asset(at=3 * WIDTH_MS + 1))])
    third = NEW_YEAR_MS + 3 * WIDTH_MS
    assert search_profile.documents.totals(bucket.index, ALL, WIDTH_MS) == {
        NEW_YEAR_MS: Totals(2, 1, revisions=9, versions=8, superseded=2, created=4 * NEW_YEAR_MS + WIDTH_MS - 1),
        third: Totals(2, 0, revisions=6, versions=7, superseded=2, created=4 * third + 1),
    }


def test_tombstones_of_versions_do_not_count(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    now = asset(version=4, revision=4, state=State.DELETED)
    of_version = superseded(now, dataclasses.replace(now, version=3, revision=3))
    search_profile.store(bucket, [head(now), of_version, dropped_document(now, 1)])
    assert search_profile.documents.totals(bucket.index, ALL, WIDTH_MS) == {
        NEW_YEAR_MS: Totals(1, 1, 4, 4, 0, NEW_YEAR_MS)
    }


@pytest.mark.parametrize(
    "of",
    [
        ALL,
        TimeRange(NEW_YEAR_MS + 1),
        TimeRange(NEW_YEAR_MS + WIDTH_MS, NEW_YEAR_MS + 3 * WIDTH_MS),
        TimeRange(NEW_YEAR_MS + WIDTH_MS // 2, NEW_YEAR_MS + 2 * WIDTH_MS + 1),
        TimeRange(0, NEW_YEAR_MS),
        TimeRange(NEW_YEAR_MS + 2 * WIDTH_MS, NEW_YEAR_MS + 2 * WIDTH_MS),
        TimeRange(0, type="still"),
        TimeRange(0, type="nothing"),
        TimeRange(0, project="north"),
        TimeRange(NEW_YEAR_MS + 1, NEW_YEAR_MS + 3 * WIDTH_MS, "clip", "south"),
    ],
)
def test_sums_slices_counts_and_pages_respect_range_type_and_project(
    search_profile: SearchProfile, of: TimeRange
) -> None:
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    bucket, made = search_profile.bucket(), list[IndexedDocument]()
    for _ in range(40):
        at = chance.choice((0, 1, WIDTH_MS // 2, WIDTH_MS - 1)) + chance.randrange(5) * WIDTH_MS
        values = {"type_name": chance.choice(("clip", "still")), "project": chance.choice(("north", "south"))}
        state = chance.choice((State.ACTIVE, State.DELETED))
        made += chance.choice((versions(at, **values), [head(asset(at=at, revision=3, state=state, **values))]))
    search_profile.store(bucket, made)
    expected = added_up(made, of, WIDTH_MS)
    count = sum(sums.heads + sums.superseded for sums in expected.values())
    assert search_profile.documents.totals(bucket.index, of, WIDTH_MS) == expected, f"seed {seed}"
    assert search_profile.documents.count(bucket.index, of) == count, f"seed {seed}"
    assert sum(part.documents for part in search_profile.documents.slices(bucket.index, of, WIDTH_MS)) == count
    page = search_profile.documents.page(bucket.index, of, limit=1000)
    assert len(page) == count, f"seed {seed}"
    assert {document.doc_id for document in page} <= {document.doc_id for document in made}
    half = search_profile.documents.page(bucket.index, of, after=page[count // 2].position, limit=1000) if page else []
    assert half == page[count // 2 + 1 :]


def test_sums_of_an_index_that_is_not_there_cannot_be_had(search_profile: SearchProfile) -> None:
    with pytest.raises(NotFound):
        search_profile.documents.totals(search_profile.new_index(), ALL, WIDTH_MS)


def test_an_empty_index_has_no_sums(search_profile: SearchProfile) -> None:
    assert search_profile.documents.totals(search_profile.bucket().index, ALL, WIDTH_MS) == {}


def test_two_sums_are_added_name_by_name() -> None:
    assert Totals(1, 2, 3, 4, 5, 6) + Totals(10, 20, 30, 40, 50, 60) == Totals(11, 22, 33, 44, 55, 66)
    assert Totals() + Totals(5, 4, 3, 2, 1) == Totals(5, 4, 3, 2, 1)


def test_sums_agree_up_to_what_floating_point_numbers_cannot_tell() -> None:
    small, large = Totals(heads=3, created=3 * NEW_YEAR_MS), Totals(heads=10**6, created=10**6 * NEW_YEAR_MS)
    for sums in (small, large, Totals()):
        assert sums.agree_with(dataclasses.replace(sums, created=int(float(sums.created))))
        assert not sums.agree_with(dataclasses.replace(sums, created=sums.created + WIDTH_MS))
        for name in ("heads", "deleted", "revisions", "versions", "superseded"):
            assert not sums.agree_with(dataclasses.replace(sums, **{name: 7}))
    assert not small.agree_with(dataclasses.replace(small, created=small.created + 1))


def test_the_documents_of_assets_are_found_in_every_index_searched_or_not(search_profile: SearchProfile) -> None:
    searched, unsearched = search_profile.bucket(), search_profile.empty_bucket(3600)
    first, other = versions(0), versions(1)
    mine, its_id = first[0], UUID(first[0].body["asset_id"])
    search_profile.store(searched, [*first, *other])
    search_profile.store(unsearched, [IndexedDocument(mine.doc_id, mine.revision + 1, {**mine.body, "revision": 6})])
    assert found_of(search_profile, [its_id]) == {
        *((searched.index, document.doc_id, 5) for document in first),
        (unsearched.index, mine.doc_id, 6),
    }
    both = found_of(search_profile, [its_id, UUID(other[0].body["asset_id"]), mint_at(NEW_YEAR_MS)])
    assert len(both) == 7


def test_tombstones_are_found_and_of_no_assets_or_unknown_ones_nothing(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    gone = asset("gone", revision=2, state=State.PURGED)
    search_profile.store(bucket, [head(gone), dropped_document(gone, 1)])
    assert found_of(search_profile, [gone.id]) == {
        (bucket.index, doc_id, 2) for doc_id in (f"{gone.id}", f"{gone.id}:1")
    }
    assert found_of(search_profile, []) == found_of(search_profile, [mint_at(NEW_YEAR_MS)]) == set()


def test_documents_of_more_assets_than_one_answer_holds_are_all_found(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    made = [asset(at=n % 7) for n in range(1_200)]
    search_profile.store(bucket, [head(one) for one in made])
    found = found_of(search_profile, [one.id for one in made])
    assert found == {(bucket.index, str(one.id), 1) for one in made}


def test_what_is_found_can_be_deleted_as_it_is(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    made = versions(0)
    its_id = UUID(made[0].body["asset_id"])
    search_profile.store(bucket, made)
    search_profile.documents.delete(
        bucket.write_alias, [found for _, found in search_profile.documents.of_assets([its_id])]
    )
    search_profile.indices.refresh([bucket.index])
    assert found_of(search_profile, [its_id]) == set()


FULL = asset(
    "Ärger im Zug",
    at=5,
    metadata={
        "codec": "h264", "tags": ("b", "a", "b"), "synopsis": "a b a", "cameraId": 2**53 + 1, "takes": (3, 1, 3),
        "gain": -0.1, "live": True, "shot": "2026-01-01T00:00:00.000Z", "code": 7,
    },
    labels=["red", "raw"],
    external_id="x-1",
    version=3,
    revision=5,
)  # fmt: skip


@pytest.mark.parametrize(
    "made", [FULL, asset(), asset("gone", state=State.DELETED, revision=2), asset(state=State.PURGED, revision=3)]
)
def test_what_was_put_matches_what_was_put(search_profile: SearchProfile, made: Asset) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(made)])
    found = one_of(search_profile, made)
    assert search_profile.documents.matches(found, head(made))
    assert search_profile.documents.matches(found, head(dataclasses.replace(made)))
    [page] = search_profile.documents.page(bucket.index, ALL, limit=10)
    assert search_profile.documents.matches(page, head(made))


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Ärger im Zuge"},
        {"revision": 6},
        {"version": 4},
        {"type": "still", "metadata": {}},
        {"project": "north"},
        {"external_id": None},
        {"labels": ("raw",)},
        {"state": State.DELETED},
        {"updated_ms": NEW_YEAR_MS + 1},
        {"metadata": dict(FULL.metadata) | {"cameraId": 2**53}},
        {"metadata": dict(FULL.metadata) | {"gain": 0.1}},
        {"metadata": dict(FULL.metadata) | {"synopsis": "a b c"}},
        {"metadata": {key: value for key, value in FULL.metadata.items() if key != "live"}},
        {"metadata": dict(FULL.metadata) | {"tags": ("b", "a", "c")}},
    ],
)
def test_anything_that_is_otherwise_does_not_match(search_profile: SearchProfile, other: dict[str, object]) -> None:
    bucket = search_profile.bucket()
    search_profile.store(bucket, [head(FULL)])
    changed = dataclasses.replace(FULL, **other)  # type: ignore[arg-type]
    assert not search_profile.documents.matches(one_of(search_profile, FULL), head(changed))


def test_a_superseded_version_matches_as_itself_alone(search_profile: SearchProfile) -> None:
    bucket = search_profile.bucket()
    now, first, second = versions(0)
    search_profile.store(bucket, [now, first, second])
    by_id = {found.doc_id: found for found in with_bodies(search_profile, UUID(now.body["asset_id"]))}
    wanted = {document.doc_id: document for document in (now, first, second)}
    likes = {(a, b) for a in by_id for b in wanted if search_profile.documents.matches(by_id[a], wanted[b])}
    assert likes == {(doc_id, doc_id) for doc_id in wanted}


def test_what_was_never_indexed_matches_nothing_that_was(search_profile: SearchProfile) -> None:
    """Its fields and values are not known to the index yet."""
    bucket = search_profile.bucket()
    plain = asset(at=1)
    search_profile.store(bucket, [head(plain)])
    with_fields = dataclasses.replace(plain, metadata=FULL.metadata, labels=("new",), name="brand new")
    assert not search_profile.documents.matches(one_of(search_profile, plain), head(with_fields))
