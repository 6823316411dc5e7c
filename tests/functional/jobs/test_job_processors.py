"""Jobs that change metadata, bring types up to date, or only say what they would do: what becomes of the assets."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from amp.api.app import create_app
from amp.bootstrap import Amp
from amp.domain.ids import mint_at
from amp.domain.types import Field, FieldType
from amp.services.types.catalog import TypeCatalog
from amp.services.types.register import TypeRegistration
from tests.support.jobs.calls import (
    DEADLINE_S,
    asset,
    await_search,
    changed,
    counts,
    deleted,
    ended,
    listed,
    new_assets,
    ran,
    replay,
    results,
    started,
    versions,
)
from tests.support.service.built import running
from tests.support.service.rest import FIELDS, Rest
from tests.support.service.wired import PRINCIPAL
from tests.support.stack.waiting import wait_until


def test_fields_are_set_removed_renamed_and_copied_in_one_new_version(rest: Rest) -> None:
    kind = rest.new_type(FIELDS | {"format": {"type": "string"}, "camera2": {"type": "long"}})
    before = {"codec": "h264", "cameraId": 5, "notes": "gone", "tags": ["a"], "hdr": True}
    whole, empty = rest.new_asset(kind, metadata=before)["id"], rest.new_asset(kind, name="bare")["id"]
    update = {
        "set": {"shot": "2026-01-02", "hdr": None, "tags": ["b", "c"]},
        "remove": ["notes"],
        "rename": {"codec": "format"},
        "copy": {"cameraId": "camera2"},
    }
    job = ended(rest, started(Rest(rest.app, "mara"), "update-metadata", {"type": kind}, parameters=update))
    assert counts(job) == {"changed": 2}
    after = asset(rest, whole)
    set_alone = {"shot": "2026-01-02T00:00:00.000Z", "tags": ["b", "c"]}
    assert after["metadata"] == {"format": "h264", "cameraId": 5, "camera2": 5} | set_alone
    assert (after["version"], after["revision"], after["updated_by"]) == (2, 2, "mara")
    assert versions(rest, whole) == [after["metadata"], before]
    bare = asset(rest, empty)
    assert (bare["name"], bare["metadata"], bare["version"]) == ("bare", set_alone, 2)
    await_search(rest, f"type:{kind} format:h264 camera2:5", [whole])
    await_search(rest, f"type:{kind} tags:c", [whole, empty])
    await_search(rest, f"type:{kind} notes:gone", [])


def test_two_fields_can_change_places(rest: Rest) -> None:
    kind = rest.new_type({"a": {"type": "string"}, "b": {"type": "string"}, "c": {"type": "string"}})
    both, one = (rest.new_asset(kind, metadata=metadata)["id"] for metadata in ({"a": "1", "b": "2"}, {"a": "1"}))
    swap = {"rename": {"a": "b", "b": "a"}, "copy": {}}
    assert counts(ran(rest, "update-metadata", {"type": kind}, parameters=swap)) == {"changed": 2}
    assert [asset(rest, i)["metadata"] for i in (both, one)] == [{"a": "2", "b": "1"}, {"b": "1"}]


def test_names_and_labels_of_many_assets_are_changed(rest: Rest) -> None:
    kind = rest.new_type()
    first, second = (rest.new_asset(kind, name="a", labels=labels)["id"] for labels in (["draft", "x"], ["new"]))
    labels = {"add_labels": ["new"], "remove_labels": ["draft", "none"]}
    assert counts(ran(rest, "update-metadata", {"type": kind}, parameters=labels)) == {"changed": 1, "done": 1}
    assert [asset(rest, i)["labels"] for i in (first, second)] == [["new", "x"], ["new"]]
    assert [(asset(rest, i)["version"], asset(rest, i)["revision"]) for i in (first, second)] == [(1, 2), (1, 1)]
    assert counts(ran(rest, "update-metadata", {"type": kind}, parameters={"name": ""})) == {"changed": 2}
    assert [(asset(rest, i)["name"], asset(rest, i)["version"]) for i in (first, second)] == [("", 2), ("", 2)]


@pytest.mark.parametrize(
    ("parameters", "pointer"),
    [
        ({"add_labels": ["a", "b"], "remove_labels": ["b"]}, "/parameters/add_labels/1"),
        ({"add_labels": ["x" * 2000]}, "/parameters/add_labels/0"),
        ({"name": "a\x00"}, "/parameters/name"),
        ({"add_labels": []}, "/parameters"),
    ],
)
def test_names_and_labels_that_are_not_valid_are_refused(
    rest: Rest, parameters: dict[str, object], pointer: str
) -> None:
    body = {"kind": "update-metadata", "selector": {"all": True}, "parameters": parameters}
    answer = rest.post("/v1/admin/jobs", json=body)
    assert answer.status_code in (400, 422), answer.text
    assert pointer in [error["pointer"] for error in answer.get_json()["errors"]]


def test_unchanged_assets_get_no_version_and_deleted_ones_are_skipped(rest: Rest) -> None:
    kind = rest.new_type()
    other, same, gone = (rest.new_asset(kind, metadata={"codec": c})["id"] for c in ("h264", "hevc", "h264"))
    deleted(rest, gone)
    update = {"set": {"codec": "hevc"}}
    assert counts(ran(rest, "update-metadata", {"type": kind}, parameters=update)) == {
        "changed": 1,
        "done": 1,
        "skipped": 1,
    }
    assert [asset(rest, i)["version"] for i in (other, same, gone)] == [2, 1, 1]
    assert counts(ran(rest, "update-metadata", {"type": kind}, parameters=update)) == {"done": 2, "skipped": 1}
    assert [asset(rest, i)["revision"] for i in (other, same, gone)] == [2, 1, 2]


def test_a_users_change_that_comes_in_between_is_kept(
    service: Amp, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = rest.new_type()
    made = [rest.new_asset(kind, metadata={"cameraId": n})["id"] for n in range(20)]
    hurried = {UUID(made[3]), UUID(made[7])}
    store = service.adapters.store
    apply = store.apply

    def overtake(changes: Any) -> Any:
        for change in changes:
            if change.after.id in hurried and change.after.metadata.get("codec") == "hevc":
                hurried.remove(change.after.id)
                changed(rest, str(change.after.id), notes="by hand")
        return apply(changes)

    monkeypatch.setattr(store, "apply", overtake)
    job = ran(rest, "update-metadata", {"type": kind}, parameters={"set": {"codec": "hevc"}})
    assert counts(job) == {"changed": 20}
    assert not hurried
    for n, asset_id in enumerate(made):
        stored = versions(rest, asset_id)
        mine, by_hand, both = {"cameraId": n}, {"cameraId": n, "notes": "by hand"}, {"notes": "by hand"}
        assert stored[-1] == mine
        if n in (3, 7):
            assert stored == [mine | both | {"codec": "hevc"}, by_hand, mine]
        else:
            assert stored == [mine | {"codec": "hevc"}, mine]


def test_an_asset_that_keeps_changing_fails_and_users_changes_stay(
    service: Amp, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = rest.new_type()
    busy, calm = rest.new_asset(kind)["id"], rest.new_asset(kind)["id"]
    store = service.adapters.store
    apply, taken = store.apply, [0]

    def overtake(changes: Any) -> Any:
        for change in changes:
            if str(change.after.id) == busy and change.after.metadata.get("codec") == "hevc":
                taken[0] += 1
                changed(rest, busy, cameraId=taken[0])
        return apply(changes)

    monkeypatch.setattr(store, "apply", overtake)
    job = ran(rest, "update-metadata", {"type": kind}, parameters={"set": {"codec": "hevc"}})
    assert counts(job) == {"changed": 1, "failed": 1}
    assert results(rest, job["id"]) == {busy: ("failed", "other writers kept changing it")}
    assert asset(rest, busy)["metadata"] == {"cameraId": taken[0]}
    assert asset(rest, calm)["metadata"] == {"codec": "hevc"}


def test_events_that_come_again_change_nothing_twice(service: Amp, rest: Rest) -> None:
    kind = rest.new_type()
    made = new_assets(rest, kind, 5, metadata={"codec": "h264"})
    job = ran(rest, "update-metadata", {"ids": made}, parameters={"set": {"codec": "hevc"}})
    changed(rest, made[0], codec="av1")
    deleted(rest, made[1])
    before = [asset(rest, i) for i in made]
    replay(service, job["id"], made)
    assert [asset(rest, i) for i in made] == before
    removal = ran(rest, "delete", {"ids": made[2:]})
    assert counts(removal) == {"changed": 3}
    assert rest.post(f"/v1/assets/{made[2]}/restore").status_code == 200
    before = [asset(rest, i) for i in made]
    replay(service, removal["id"], made[2:])
    assert [asset(rest, i) for i in made] == before
    assert [asset(rest, i)["state"] for i in made] == ["active", "deleted", "active", "deleted", "deleted"]
    replay(service, str(mint_at(5_000_000)), made)
    assert [asset(rest, i) for i in made] == before, "events of no job"


def test_assets_that_leave_their_query_by_the_change_are_all_changed(rest: Rest) -> None:
    kind = rest.new_type()
    new_assets(rest, kind, 650, metadata={"codec": "h264"})
    wanted = {"field": "type", "eq": kind}
    wait_until(lambda: rest.search(query=wanted, size=0)["total"] == 650, DEADLINE_S, "the index")
    # Slow enough for the index to follow between two pages.
    selector = {"query": f"type:{kind} codec:h264"}
    job = ran(rest, "update-metadata", selector, parameters={"set": {"codec": "hevc"}}, rate=400)
    assert counts(job) == {"changed": 650}
    await_search(rest, f"type:{kind} codec:h264", [])
    assert counts(ran(rest, "delete", {"query": f"type:{kind}"}, rate=400)) == {"changed": 650}
    await_search(rest, f"type:{kind}", [])


@pytest.mark.parametrize(
    ("kind_of_job", "parameters", "expected"),
    [
        ("update-metadata", {"set": {"codec": "hevc"}}, {"changed": 2, "done": 1, "skipped": 1}),
        ("migrate-type", {}, {"changed": 3, "skipped": 1}),
        ("delete", {}, {"changed": 3, "done": 1}),
        ("restore", {}, {"changed": 1, "done": 3}),
        ("purge", {"retention_s": 0}, {"changed": 1, "skipped": 3}),
    ],
)
def test_a_dry_run_counts_right_and_changes_nothing(
    rest: Rest, kind_of_job: str, parameters: Any, expected: dict[str, int]
) -> None:
    kind = rest.new_type()
    codecs = ("h264", "h264", "hevc", "h264")
    made = [rest.new_asset(kind, metadata={"codec": codec})["id"] for codec in codecs]
    deleted(rest, made[3])
    more_fields(rest, kind)
    before = [asset(rest, i) for i in made]
    job = ran(rest, kind_of_job, {"type": kind}, parameters=parameters, dry_run=True)
    assert counts(job) == expected
    assert job["parameters"]["dry_run"] is True
    assert [item["dry_run"] for item in (job, *listed(rest, [job["id"]]))] == [True, True]
    assert [asset(rest, i) for i in made] == before
    assert counts(ran(rest, kind_of_job, {"type": kind}, parameters=parameters)) == expected, "the dry run was right"


def test_a_sample_changes_so_many(rest: Rest) -> None:
    kind = rest.new_type()
    made = new_assets(rest, kind, 10)
    update = {"parameters": {"set": {"codec": "hevc"}}, "sample": 4}
    assert counts(ran(rest, "update-metadata", {"type": kind}, **update)) == {"changed": 4}
    assert counts(ran(rest, "delete", {"ids": made}, sample=3)) == {"changed": 3}
    assert sum(asset(rest, i)["state"] == "deleted" for i in made) == 3


def test_assets_are_brought_under_the_newest_version_of_their_type(rest: Rest) -> None:
    kind = rest.new_type()
    old, edited, gone = new_assets(rest, kind, 3, metadata={"codec": "h264"})
    deleted(rest, gone)
    assert counts(ran(rest, "migrate-type", {"type": kind})) == {"done": 2, "skipped": 1}
    more_fields(rest, kind)
    changed(rest, edited, more="word")
    assert counts(ran(rest, "migrate-type", {"type": kind})) == {"changed": 1, "done": 1, "skipped": 1}
    shown = [asset(rest, i) for i in (old, edited, gone)]
    assert [(found["type_version"], found["version"]) for found in shown] == [(2, 2), (2, 2), (1, 1)]
    assert versions(rest, old) == [{"codec": "h264"}] * 2
    assert counts(ran(rest, "migrate-type", {"type": kind})) == {"done": 2, "skipped": 1}


def test_assets_get_the_type_version_that_another_process_just_made(tmp_path: Path) -> None:
    with running({"data_dir": tmp_path, "types_refresh_s": "86400"}) as amp:
        rest = Rest(create_app(amp))
        kind = rest.new_type()
        made = rest.new_asset(kind)["id"]
        a = amp.adapters
        elsewhere = TypeRegistration(registry=a.types, catalog=TypeCatalog(a.types, a.clock, 86_400.0), clock=a.clock)
        fields = {**elsewhere.get(kind, None, PRINCIPAL).fields, "more": Field(type=FieldType.STRING)}
        elsewhere.next_version(kind, "", fields, PRINCIPAL)
        assert counts(ran(rest, "migrate-type", {"type": kind})) == {"changed": 1}
        assert asset(rest, made)["type_version"] == 2


def more_fields(rest: Rest, kind: str) -> None:
    """A second version of the type."""
    made = rest.put(f"/v1/types/{kind}", json={"fields": FIELDS | {"more": {"type": "string"}}})
    assert made.status_code == 200, made.text
    assert made.get_json()["version"] == 2
