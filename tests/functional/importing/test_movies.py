"""Real input: a file of 3,201 movies imported by the command, and its answers equal to plain Python over the file."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from amp.api.app import create_app
from amp.bootstrap import Amp, wire
from amp.metrics import Metrics
from tests.support.movies.answers import COLUMNS, facet, matching, released, rows
from tests.support.movies.imported import Movies, import_movies, imported_into, stored, wait_for_total
from tests.support.movies.orders import ASKED, COMPACT, FACETS
from tests.support.service.amp_command import printed_json
from tests.support.service.built import running
from tests.support.service.rest import Rest, unique
from tests.support.stack.own_namespace import OwnNamespace


@pytest.fixture(scope="module")
def type_name() -> str:
    """The same in both profiles: made of it and the rows, external ids are the same too."""
    return unique("movie")


@pytest.fixture(scope="module")
def embedded_movies(embedded_service: Amp, type_name: str) -> Iterator[Movies]:
    with imported_into(embedded_service, type_name) as movies:
        yield movies


@pytest.fixture(scope="module")
def cluster_movies(own_namespace: OwnNamespace, type_name: str) -> Iterator[Movies]:
    """In a namespace of its own: other tests count the assets created in a time at which films came out."""
    with own_namespace() as variables, running(variables) as amp, imported_into(amp, type_name) as movies:
        yield movies


@pytest.fixture(scope="module", params=["embedded", pytest.param("cluster", marks=pytest.mark.cluster)])
def movies(request: pytest.FixtureRequest) -> Movies:
    found: Movies = request.getfixturevalue(f"{request.param}_movies")
    return found


def test_every_row_comes_in_once_with_all_its_values(movies: Movies) -> None:
    assert len(rows()) == 3201
    assert (movies.report["created"], movies.report["rejected"], movies.report["skipped"]) == (3201, 0, 0)
    assert sorted(movies.row_of.values()) == list(range(3201))
    ids = {movies.row_of[asset["external_id"]]: asset["id"] for asset in movies.assets}
    assert sorted(ids.values()) == [ids[n] for n in range(3201)], "ids are not in the order of the rows"
    assert len(set(ids.values())) == len(movies.assets) == 3201


def test_the_report_names_fields_and_every_conversion(movies: Movies) -> None:
    assert movies.report["columns"] == COLUMNS
    # All dates of the file are written alike and all are days that exist, the odd ones in the 2030s and 2040s too.
    numbers = sum(isinstance(row["Title"], int) for row in rows())
    assert {(x["field"], x["what"]): x["count"] for x in movies.report["adjustments"]} == {
        ("release_date", "date rewritten as RFC 3339"): 3201,
        ("title", "number written as text"): numbers,
    }
    assert numbers == 9


@pytest.mark.parametrize("asked", ASKED)
def test_a_search_finds_what_the_file_says_in_that_order(movies: Movies, asked: str) -> None:
    question = ASKED[asked]
    expected = matching(question.holds, question.sort)
    assert question.finds == ("none" if not expected else "all" if len(expected) == len(rows()) else "some")
    found, total = movies.answer(asked)
    assert movies.rows(found) == expected
    assert total == len(expected)


@pytest.mark.parametrize("text", COMPACT)
def test_the_compact_text_form_finds_what_the_file_says(movies: Movies, text: str) -> None:
    sort, holds = COMPACT[text]
    fields = [
        (field, order or "asc") for field, _, order in (s.partition(":") for s in (sort or "").split(",")) if field
    ]
    expected = matching(holds, fields)
    assert expected
    given = {"q": f"project:{movies.project} {text}", "size": 200} | ({"sort": sort} if sort else {})
    answer = movies.rest.get("/v1/search", query_string=given)
    assert answer.status_code == 200, answer.text
    page = answer.get_json()
    assert movies.rows([item["external_id"] for item in page["items"]]) == expected[:200]
    assert (page["total"], page["total_relation"]) == (len(expected), "eq")
    assert (page["next_cursor"] is None) == (len(expected) <= 200)


@pytest.mark.parametrize("name", FACETS)
def test_facets_count_what_the_file_says(movies: Movies, name: str) -> None:
    query, holds, field, size = FACETS[name]
    found = movies.rest.search(query=movies.within(query), size=0, facets={"f": {"field": field, "size": size}})
    expected = facet(matching(holds), field, size)
    assert [(v["value"], v["count"]) for v in found["facets"]["f"]["values"]] == expected
    assert found["facets"]["f"]["approximate"] is False
    assert found["items"] == []


def test_facets_over_root_fields_and_several_at_once(movies: Movies) -> None:
    facets = {name: {"field": name} for name in ("type", "project", "state", "version", "labels")}
    found = movies.rest.search(query=movies.within(None), facets=facets | {"g": {"field": "metadata.source"}})["facets"]
    values = {name: [(v["value"], v["count"]) for v in found[name]["values"]] for name in found}
    assert values.pop("g") == facet(range(3201), "metadata.source", 10)
    assert values == {
        "type": [(movies.type_name, 3201)],
        "project": [(movies.project, 3201)],
        "state": [("active", 3201)],
        "version": [(1, 3201)],
        "labels": [],
    }


@pytest.mark.parametrize("size", [37, 197])
def test_paging_to_the_end_gives_every_movie_once_in_order(movies: Movies, size: int) -> None:
    sort = (("metadata.rotten_tomatoes_rating", "desc"), ("metadata.major_genre", "asc"))
    ordered = [{"field": field, "order": order} for field, order in sort]
    found, total = movies.walk(size, query=movies.within(None), sort=ordered)
    assert movies.rows(found) == matching(lambda _: True, sort)
    assert total == 3201


def test_a_page_may_be_of_another_size_than_the_one_before(movies: Movies) -> None:
    found, cursor = [], None
    sort = [{"field": "metadata.director", "order": "asc"}]
    for size in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144):
        page = movies.rest.search(query=movies.within(None), sort=sort, size=size, cursor=cursor)
        assert len(page["items"]) == size
        found += [item["external_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert movies.rows(found) == matching(lambda _: True, (("metadata.director", "asc"),))[: len(found)]


@pytest.mark.parametrize("limit", [1, 1193, 1194, 1195, 10_000])
def test_totals_are_exact_up_to_the_limit_and_past_it_when_asked(movies: Movies, limit: int) -> None:
    matches = len(matching(lambda row: row["MPAA Rating"] == "R"))
    assert matches == 1194
    settings = movies.amp.settings.model_copy(update={"total_limit": limit})
    rest = Rest(create_app(wire(settings, movies.amp.adapters, Metrics(), movies.amp.background)))
    query = movies.within({"field": "metadata.mpaa_rating", "eq": "R"})
    bounded = [rest.search(query=query, size=size) for size in (0, 5)]
    expected = (matches, "eq") if limit >= matches else (limit, "gte")
    assert [(page["total"], page["total_relation"]) for page in bounded] == [expected] * 2
    text = quote(f"project:{movies.project} mpaa_rating:R")
    by_text = rest.get(f"/v1/search?q={text}&size=0&total=exact").get_json()
    for exact in (rest.search(query=query, size=0, total="exact"), by_text):
        assert (exact["total"], exact["total_relation"]) == (matches, "eq")


def test_an_item_is_the_asset_as_the_store_has_it_or_the_fields_asked_for(movies: Movies) -> None:
    by_id = {asset["id"]: asset for asset in movies.assets}
    query = movies.within({"field": "metadata.imdb_rating", "gte": 8.9})
    items = movies.rest.search(query=query, size=200)["items"]
    assert items
    assert items == [by_id[item["id"]] for item in items]
    picked = movies.rest.search(query=query, size=200, fields=["name", "metadata.us_gross", "metadata.imdb_rating"])
    assert picked["items"] == [
        {
            "name": item["name"],
            "metadata": {k: v for k, v in item["metadata"].items() if k in ("us_gross", "imdb_rating")},
        }
        for item in items
    ]


def test_ids_and_external_ids_are_found_one_by_one_and_in_order(movies: Movies) -> None:
    some = movies.assets[::40]
    by_id = movies.rest.search(query={"field": "id", "in": [asset["id"].upper() for asset in some]}, size=200)
    assert sorted(item["id"] for item in by_id["items"]) == sorted(asset["id"] for asset in some)
    wanted = some[0]["external_id"]
    (item,) = movies.rest.search(query=movies.within({"field": "external_id", "eq": wanted}))["items"]
    assert item == some[0]
    found, _ = movies.walk(200, query=movies.within(None), sort=[{"field": "external_id", "order": "desc"}])
    assert found == sorted(movies.row_of, reverse=True)
    beginning = wanted[:6]
    found, _ = movies.walk(200, query=movies.within({"field": "external_id", "prefix": beginning}))
    assert sorted(found) == sorted(e for e in movies.row_of if e.startswith(beginning))


def test_importing_again_skips_every_row_and_makes_no_twins(movies: Movies) -> None:
    report = printed_json(import_movies(movies.url, movies.project, movies.type_name))
    assert (report["created"], report["updated"], report["skipped"], report["rejected"]) == (0, 0, 3201, 0)
    assert report["type_version"] == movies.report["type_version"] == 1
    assert stored(movies.rest, movies.type_name, movies.project) == movies.assets
    assert movies.rest.search(query=movies.within(None), versions="all", size=0)["total"] == 3201


def test_movies_created_when_they_were_released_are_found_by_time(movies: Movies, tmp_path: Path) -> None:
    """Ids reach from 1970 to now: earlier films, and those still to come, are rejected with the reason."""
    today = datetime.now(UTC).date()
    fits = [date(1970, 1, 1) <= released(row) <= today for row in rows()]
    some = [row for n, row in enumerate(rows()) if n % 5 == 0 or not fits[n]]
    file = tmp_path / "some.json"
    file.write_text(json.dumps(some))
    project = unique("dated")
    result = import_movies(movies.url, project, movies.type_name, "--created-field", "Release Date", file=file)
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    assert (report["created"], report["rejected"]) == (len(some) - fits.count(False), fits.count(False))
    rejected = [json.loads(line) for line in Path(report["rejected_file"]).read_text().splitlines()]
    assert [entry["row"] for entry in rejected] == [row for row, fit in zip(rows(), fits, strict=True) if not fit]
    assert all("/created_at" in entry["reason"] for entry in rejected), rejected

    wait_for_total(movies.rest, project, report["created"])
    of_project = {"field": "project", "eq": project}
    days = sorted(released(row) for n, row in enumerate(rows()) if n % 5 == 0 and fits[n])
    found, _ = movies.walk(97, query=of_project, sort=[{"field": "created_at", "order": "asc"}])
    assert sorted(movies.rows(found)) == [n for n, fit in enumerate(fits) if n % 5 == 0 and fit]
    assert [released(rows()[n]) for n in movies.rows(found)] == days
    assert movies.walk(97, query=of_project)[0] == found[::-1]
    for condition, low, high in (
        ({"gte": "1995-03-01", "lt": "1999-12-31T00:00:00Z"}, date(1995, 3, 1), date(1999, 12, 31)),
        ({"gt": str(days[0] - timedelta(days=1)), "lte": str(days[0])}, days[0], days[0] + timedelta(days=1)),
        ({"gte": "2005-01-01T01:00:00+02:00", "lt": "2005-02-01"}, date(2005, 1, 1), date(2005, 2, 1)),
    ):
        query = {"all": [of_project, {"field": "created_at", **condition}]}
        between, _ = movies.walk(97, query=query, sort=[{"field": "created_at"}])
        expected = [e for e, day in zip(found, days, strict=True) if low <= day < high]
        assert between == expected
        assert 0 < len(expected) < len(found)


@pytest.mark.cluster
def test_both_sets_give_the_same_external_ids_in_the_same_order(
    embedded_movies: Movies, cluster_movies: Movies
) -> None:
    assert embedded_movies.row_of == cluster_movies.row_of
    for asked in ASKED:
        assert embedded_movies.answer(asked) == cluster_movies.answer(asked), asked
