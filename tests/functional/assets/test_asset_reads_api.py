"""Assets read over REST, many at once and page by page, and shown in the shape asked for."""

from typing import Any

from tests.support.service.rest import Rest, unique

UNKNOWN = "01912345-6789-7abc-8def-0123456789ab"


def test_longs_come_as_text_for_those_who_ask(rest: Rest) -> None:
    kind = rest.new_type()
    metadata = {"cameraId": 9007199254740993, "takes": [9223372036854775807, -1], "rate": 5.0, "hdr": True}
    asset = rest.new_asset(kind, metadata=metadata)
    assert asset["metadata"] == metadata
    expected = metadata | {"cameraId": "9007199254740993", "takes": ["9223372036854775807", "-1"]}
    path = f"/v1/assets/{asset['id']}"
    assert rest.get(f"{path}?longs=string").get_json()["metadata"] == expected
    assert rest.get(f"{path}?longs=number").get_json()["metadata"] == metadata
    assert rest.get(f"/v1/assets?type={kind}&longs=string").get_json()["items"][0]["metadata"] == expected
    assert rest.get(f"{path}/versions/1?longs=string").get_json()["metadata"] == expected


def test_many_assets_are_read_by_id_and_the_missing_named(rest: Rest) -> None:
    kind = rest.new_type()
    one, two, dead = (rest.new_asset(kind, name=name) for name in ("1", "2", "3"))
    rest.delete(f"/v1/assets/{dead['id']}")
    ids = [two["id"], UNKNOWN, dead["id"], one["id"], two["id"].upper()]
    found = rest.post("/v1/assets/get?fields=id,name", json={"ids": ids}).get_json()
    assert found == {
        "items": [{"id": two["id"], "name": "2"}, {"id": one["id"], "name": "1"}],
        "missing": [UNKNOWN, dead["id"]],
        "rest": [],
    }
    found = rest.post("/v1/assets/get?deleted=true&fields=state", json={"ids": [dead["id"]]}).get_json()
    assert found == {"items": [{"state": "deleted"}], "missing": [], "rest": []}
    assert rest.post("/v1/assets/get", json={"ids": []}).get_json() == {"items": [], "missing": [], "rest": []}


def test_assets_are_listed_from_the_store_by_type_and_project(rest: Rest) -> None:
    kind, other, project = rest.new_type(), rest.new_type(), unique("p")
    mine = [rest.new_asset(kind, project=project, name=str(i)) for i in range(5)]
    elsewhere = rest.new_asset(kind)
    foreign = rest.new_asset(other, project=project)
    dead = rest.new_asset(kind, project=project)
    rest.delete(f"/v1/assets/{dead['id']}")

    def listed(query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = rest.get(f"/v1/assets?limit=2&{query}{cursor}").get_json()
            assert len(page["items"]) <= 2
            found += page["items"]
            if page["next_cursor"] is None:
                return sorted(found, key=lambda item: str(item["id"]))
            cursor = f"&cursor={page['next_cursor']}"

    assert listed(f"type={kind}") == sorted([*mine, elsewhere], key=lambda item: str(item["id"]))
    assert listed(f"project={project}") == sorted([*mine, foreign], key=lambda item: str(item["id"]))
    assert listed(f"type={kind}&project={project}") == sorted(mine, key=lambda item: str(item["id"]))
    assert {asset["id"] for asset in (*mine, elsewhere, foreign)} <= {item["id"] for item in listed("fields=id")}
    assert listed(f"type={unique('none')}") == []


def test_fields_pick_what_an_item_shows(rest: Rest) -> None:
    kind = rest.new_type()
    rest.new_asset(kind, name="n", metadata={"codec": "h264", "hdr": True, "cameraId": 1})

    def items(fields: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = rest.get(f"/v1/assets?type={kind}&fields={fields}").get_json()["items"]
        return found

    assert items("name,metadata.codec,metadata.hdr") == [{"name": "n", "metadata": {"codec": "h264", "hdr": True}}]
    assert items("metadata.absent") == [{"metadata": {}}]
    assert items("metadata,metadata.codec")[0]["metadata"]["cameraId"] == 1
