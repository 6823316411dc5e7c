"""Searching over REST: written then found, the shape of answers, paging, cursors."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.service.rest import Rest, assert_problem, unique


def of_type(kind: str) -> dict[str, Any]:
    return {"field": "type", "eq": kind}


def test_a_write_that_waited_is_found_by_the_next_search(rest: Rest) -> None:
    kind = rest.new_type()
    asset = rest.new_asset(kind, name="Alien", metadata={"cameraId": 42323243}, searchable=True)
    path, wait = f"/v1/assets/{asset['id']}", "?wait_for=searchable&timeout=30s"
    condition = {"field": "metadata.cameraId", "eq": 42323243}
    query = {"all": [of_type(kind), condition]}
    assert rest.search(query=query)["items"] == [asset]

    changed = rest.patch(f"{path}{wait}", json={"metadata": {"cameraId": 1}})
    assert "AMP-Searchable" not in changed.headers
    assert rest.ids(query=query) == []
    assert rest.search(query=of_type(kind))["items"] == [changed.get_json()]
    assert rest.search(query=query, versions="all")["total"] == 1

    assert "AMP-Searchable" not in rest.delete(f"{path}{wait}").headers
    assert rest.ids(query=of_type(kind)) == []
    assert "AMP-Searchable" not in rest.post(f"{path}/restore{wait}").headers
    assert rest.ids(query=of_type(kind)) == [asset["id"]]
    replaced = rest.put(f"{path}{wait}", json={"name": "Aliens"})
    assert rest.search(query=of_type(kind))["items"] == [replaced.get_json()]
    by_name = rest.put(
        f"/v1/assets/by-external-id/p/{unique('e')}{wait}", json={"type": kind, "name": "by external id"}
    ).get_json()
    assert rest.ids(query=of_type(kind), text="external") == [by_name["id"]]


def test_waiting_no_time_says_pending_and_changes_nothing_else(rest: Rest) -> None:
    kind = rest.new_type()
    pending = 0
    for _ in range(20):
        answer = rest.post("/v1/assets?wait_for=searchable&timeout=0ms", json={"type": kind})
        assert answer.status_code == 201
        assert answer.headers.get("AMP-Searchable") in (None, "pending")
        pending += "AMP-Searchable" in answer.headers
    assert pending


def test_items_total_facets_and_sort_come_as_described(rest: Rest) -> None:
    kind = rest.new_type()
    for i, codec in enumerate(("h264", "hevc", "h264", "av1", "h264", "hevc")):
        rest.new_asset(kind, name=f"n{i}", metadata={"codec": codec, "cameraId": i}, searchable=i == 5)
    found = rest.search(
        query={"all": [of_type(kind), {"not": {"field": "metadata.codec", "in": ["av1"]}}]},
        sort=[{"field": "metadata.codec", "order": "desc"}, {"field": "metadata.cameraId"}],
        facets={
            "codecs": {"field": "metadata.codec", "size": 10},
            "cameras": {"field": "metadata.cameraId", "size": 1},
        },
        fields=["name"],
        total="exact",
    )
    assert found.pop("took_ms") >= 0
    assert found == {
        "total": 5,
        "total_relation": "eq",
        "items": [{"name": name} for name in ("n1", "n5", "n0", "n2", "n4")],
        "next_cursor": None,
        "facets": {
            "codecs": {"values": [{"value": "h264", "count": 3}, {"value": "hevc", "count": 2}], "approximate": False},
            "cameras": {"values": [{"value": 0, "count": 1}], "approximate": False},
        },
        "incomplete_buckets": [],
    }
    longs = rest.post(
        "/v1/search?longs=string",
        json={"query": of_type(kind), "size": 1, "facets": {"c": {"field": "metadata.cameraId", "size": 1}}},
    ).get_json()
    assert longs["items"][0]["metadata"] == {"codec": "hevc", "cameraId": "5"}
    assert longs["facets"]["c"]["values"] == [{"value": "0", "count": 1}]
    assert rest.search(query=of_type(kind), size=0)["items"] == []


def test_the_text_form_finds_what_the_query_tree_finds(rest: Rest) -> None:
    kind = rest.new_type()
    for i in range(4):
        rest.new_asset(kind, name=f"trailer {i}", metadata={"cameraId": i, "codec": "h264"}, searchable=i == 3)
    text = quote(f"type:{kind} cameraId:>=1 codec:h264 trailer")
    found = rest.get(f"/v1/search?q={text}&sort=metadata.cameraId:desc,name&size=2&fields=name").get_json()
    assert [item["name"] for item in found["items"]] == ["trailer 3", "trailer 2"]
    rest_of_it = rest.get(
        f"/v1/search?q={text}&sort=metadata.cameraId:desc,name&size=2&fields=name&cursor={found['next_cursor']}"
    ).get_json()
    assert [item["name"] for item in rest_of_it["items"]] == ["trailer 1"]
    assert rest.get("/v1/search?size=1").get_json()["total"] >= 4


def test_paging_meets_every_asset_once(rest: Rest) -> None:
    kind = rest.new_type()
    made = [rest.new_asset(kind, metadata={"takes": [i % 3]}, searchable=i == 22)["id"] for i in range(23)]
    seen: list[str] = []
    cursor = None
    while True:
        page = rest.search(query=of_type(kind), sort=[{"field": "metadata.takes"}], size=5, cursor=cursor)
        assert page["total"] == 23
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 23
    assert set(seen) == set(made)


def test_a_cursor_is_good_for_its_query_and_its_caller_only(rest: Rest) -> None:
    kind = rest.new_type()
    made = [rest.new_asset(kind, searchable=i == 2) for i in range(3)]
    path = f"/v1/assets/{made[0]['id']}"
    for name in ("2", "3"):
        rest.patch(path, json={"name": name})
    searched = rest.search(query=of_type(kind), size=1)["next_cursor"]
    listed = rest.get(f"/v1/assets?type={kind}&limit=1").get_json()["next_cursor"]
    versions = rest.get(f"{path}/versions?limit=1").get_json()["next_cursor"]
    types = rest.get("/v1/types?limit=1").get_json()["next_cursor"] if rest.new_type() and rest.new_type() else None
    assert all((searched, listed, versions, types))

    def search(cursor: str, caller: Rest = rest, **more: Any) -> Any:
        return caller.post("/v1/search", json={"query": of_type(kind), "size": 1, "cursor": cursor, **more})

    stranger = Rest(rest.app, "a stranger")
    assert search(searched).status_code == 200
    assert rest.get(f"/v1/assets?type={kind}&limit=2&cursor={listed}").status_code == 200
    for answer in (
        search(searched, stranger),
        search(searched, sort=[{"field": "name"}]),
        search(searched, versions="all"),
        search(searched, text="word"),
        search(searched, query=of_type("another")),
        search(searched[:-1] + ("A" if searched[-1] != "A" else "B")),
        search(listed),
        search(""),
        search("x" * 10_000),
        search("é.ü"),
        stranger.get(f"/v1/assets?type={kind}&cursor={listed}"),
        rest.get(f"/v1/assets?cursor={listed}"),
        rest.get(f"/v1/assets?type={kind}&cursor={searched}"),
        rest.get(f"/v1/assets?type={kind}&cursor={versions}"),
        rest.get(f"/v1/assets?type={kind}&cursor=forged"),
        rest.get(f"{path}/versions?cursor={listed}"),
        rest.get(f"/v1/assets/{made[1]['id']}/versions?cursor={versions}"),
        rest.get(f"/v1/types?cursor={listed}"),
        stranger.get(f"/v1/types?cursor={types}"),
    ):
        assert_problem(answer, 400, "bad-cursor")


_DEEP: Any = {"field": "name", "eq": "x"}
for _ in range(6):
    _DEEP = {"not": _DEEP}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"query": {}}, "/query/field"),
        ({"query": []}, "/query"),
        ({"query": {"field": "name"}}, "/query"),
        ({"query": {"field": 5, "eq": 1}}, "/query/field"),
        ({"query": {"field": "name", "equals": 1}}, "/query/equals"),
        ({"query": {"field": "name", "eq": None}}, "/query/eq"),
        ({"query": {"field": "name", "eq": {}}}, "/query/eq"),
        ({"query": {"field": "name", "in": []}}, "/query/in"),
        ({"query": {"field": "name", "in": "abc"}}, "/query/in"),
        ({"query": {"field": "name", "in": ["a", None]}}, "/query/in/1"),
        ({"query": {"field": "name", "in": list(range(1001))}}, "/query/in"),
        ({"query": {"field": "name", "exists": "yes"}}, "/query/exists"),
        ({"query": {"field": "name", "prefix": 5}}, "/query/prefix"),
        ({"query": {"field": "name", "match": "—"}}, "/query/match"),
        ({"query": {"field": "name", "gt": True}}, "/query/gt"),
        ({"query": {"field": "codec", "eq": "h264"}}, "/query/field"),
        ({"query": {"field": "metadata.codecc", "eq": "h264"}}, "/query/field"),
        ({"query": {"field": "metadata.notes", "eq": "x"}}, "/query/eq"),
        ({"query": {"all": {}}}, "/query/all"),
        ({"query": {"all": [{"any": [{"field": "name", "eq": "x"}, {"field": "nope", "eq": 1}]}]}},
         "/query/all/0/any/1/field"),
        ({"query": {"not": {"field": "name", "lik": "x"}}}, "/query/not/lik"),
        ({"query": {"all": [], "any": []}}, "/query/any"),
        ({"query": {"all": [{"field": "name", "eq": "x"}] * 33}}, "/query"),
        ({"query": {"all": [{"field": "metadata.codec", "eq": "x"}] * 9}}, "/query"),
        ({"query": _DEEP}, "/query"),
        ({"text": ""}, "/text"),
        ({"text": 5}, "/text"),
        ({"text": " ".join(f"w{i}" for i in range(65))}, "/text"),
        ({"sort": [{"field": "nope"}]}, "/sort/0/field"),
        ({"sort": [{"field": "name"}, {"field": "metadata.nope"}]}, "/sort/1/field"),
        ({"sort": [{"field": "metadata.notes"}]}, "/sort/0/field"),
        ({"sort": [{"field": "name", "order": "up"}]}, "/sort/0/order"),
        ({"sort": ["name"]}, "/sort/0"),
        ({"sort": [{"field": "name"}] * 9}, "/sort"),
        ({"size": 201}, "/size"),
        ({"size": -1}, "/size"),
        ({"size": "5"}, "/size"),
        ({"size": 2.5}, "/size"),
        ({"facets": {"f": {"field": "nope"}}}, "/facets/f/field"),
        ({"facets": {"f": {"field": "name", "size": 0}}}, "/facets/f/size"),
        ({"facets": {"f": {"field": "name", "size": 1001}}}, "/facets/f/size"),
        ({"facets": {"a[b": {"field": "name"}}}, "/facets/a[b"),
        ({"facets": {f"f{i}": {"field": "name"} for i in range(17)}}, "/facets"),
        ({"versions": "some"}, "/versions"),
        ({"total": "about"}, "/total"),
        ({"fields": "name"}, "/fields"),
        ({"fields": ["name", "metadata."]}, "/fields/1"),
        ({"from": 10}, "/from"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_answered_is_refused_with_its_place(
    rest: Rest, body: dict[str, Any], pointer: str
) -> None:
    rest.new_type()
    problem = assert_problem(rest.post("/v1/search", json=body), 400, "bad-query")
    assert problem["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "query",
    ["q=codec:", "q=a~", "q=(", "q=nope:1", "q=x&sort=name:up", "q=x&sort=nope", "q=x&sort=", "q=*x", "q=%2Fre%2F"],
)
def test_text_that_cannot_be_read_as_a_query_is_refused(rest: Rest, query: str) -> None:
    assert_problem(rest.get(f"/v1/search?{query}"), 400, "bad-query")


def test_a_suggestion_comes_with_an_unknown_key(rest: Rest) -> None:
    rest.new_type()
    answer = rest.post("/v1/search", json={"query": {"field": "metadata.cameraid", "eq": 1}})
    assert "metadata.cameraId" in assert_problem(answer, 400, "bad-query")["errors"][0]["detail"]
