"""Answers are bounded in bytes: pages of large assets are short, and nothing is lost between them."""

import pytest

from tests.support.service.rest import Rest, unique

TEXT = "x" * 30_000
COUNT = 45


@pytest.fixture(scope="module")
def kind(rest: Rest) -> str:
    return rest.new_type({"notes": {"type": "text", "array": True}})


@pytest.fixture(scope="module")
def large(rest: Rest, kind: str) -> list[str]:
    """Ids of assets of 0.6 MB each."""
    bodies = [{"type": kind, "metadata": {"notes": [TEXT] * 20}} for _ in range(COUNT)]
    bulks = [rest.post("/v1/assets/bulk", json=bodies[i : i + 15]).get_json()["items"] for i in range(0, COUNT, 15)]
    return [item["id"] for items in bulks for item in items]


def test_a_list_of_large_assets_comes_in_short_pages(rest: Rest, kind: str, large: list[str]) -> None:
    found: list[str] = []
    cursor, pages = "", 0
    while True:
        answer = rest.get(f"/v1/assets?type={kind}&limit=200{cursor}")
        assert len(answer.data) < 20 * 1024 * 1024
        page = answer.get_json()
        found += [item["id"] for item in page["items"]]
        pages += 1
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert sorted(found) == sorted(large)
    assert pages > 1


def test_many_large_assets_are_read_in_several_answers(rest: Rest, large: list[str]) -> None:
    rest_ids, found = large, []
    answers = 0
    while rest_ids:
        answer = rest.post("/v1/assets/get", json={"ids": rest_ids}).get_json()
        assert answer["missing"] == []
        found += [item["id"] for item in answer["items"]]
        rest_ids = answer["rest"]
        answers += 1
    assert found == large
    assert answers > 1


def test_versions_of_a_large_asset_come_in_short_pages(rest: Rest, kind: str) -> None:
    made = rest.new_asset(kind, name="0", metadata={"notes": [TEXT] * 20}, external_id=unique("large"))
    for number in range(1, 23):
        assert rest.patch(f"/v1/assets/{made['id']}", json={"name": str(number)}).status_code == 200
    first = rest.get(f"/v1/assets/{made['id']}/versions?limit=200").get_json()
    assert len(first["items"]) == 20
    following = rest.get(f"/v1/assets/{made['id']}/versions?limit=200&cursor={first['next_cursor']}").get_json()
    assert [item["name"] for item in first["items"] + following["items"]] == [str(n) for n in range(22, -1, -1)]
    assert following["next_cursor"] is None


def test_a_search_for_large_assets_comes_in_short_pages(rest: Rest, kind: str) -> None:
    word = unique("word")
    bodies = [{"type": kind, "name": word, "metadata": {"notes": [TEXT] * 20}} for _ in range(9)]
    assert rest.post("/v1/assets/bulk?wait_for=searchable&timeout=30s", json=bodies).status_code == 200
    query = {"query": {"field": "name", "eq": word}, "size": 50}
    first = rest.search(**query)
    assert (len(first["items"]), first["total"]) == (7, 9)
    following = rest.search(**query, cursor=first["next_cursor"])
    assert (len(following["items"]), following["next_cursor"]) == (2, None)
