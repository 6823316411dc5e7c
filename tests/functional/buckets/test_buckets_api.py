"""Time buckets over REST: the map, and moves asked for, watched, steered and refused."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amp.api.app import create_app
from amp.bootstrap import Amp
from tests.support.service.built import running
from tests.support.service.rest import Rest, assert_problem
from tests.support.stack.waiting import wait_until

#: What these tests change is the whole installation's, so they have one of their own. Searches are short here: a move
#: waits for the longest before it empties what they may still be reading.
SHORT = {"search_timeout_s": "1", "bucket_check_s": "3600", "move_rate": "5000"}
SHORTER = {"search_timeout_s": "0.3"}
DAYS = [f"2020-01-{day:02d}T00:00:00Z" for day in range(1, 11)]
FIRST = "19700101000000"
#: For tests of what depends on the servers; to make a namespace on them takes a while.
on_either_profile = pytest.mark.parametrize(
    "amp", ["embedded", pytest.param("cluster", marks=pytest.mark.cluster)], indirect=True
)


@pytest.fixture
def amp(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Amp]:
    if getattr(request, "param", "embedded") == "embedded":
        settings: dict[str, object] = {"data_dir": tmp_path, **SHORTER}
    else:
        settings = request.getfixturevalue("fresh_cluster_settings")
    with running({**SHORT, **settings}) as found:
        yield found


@pytest.fixture
def rest(amp: Amp) -> Rest:
    return Rest(create_app(amp))


@pytest.fixture
def clips(rest: Rest) -> list[str]:
    """Ten assets, one for each of ten days."""
    kind = rest.new_type()
    return [rest.new_asset(kind, searchable=day == DAYS[-1], created_at=day)["id"] for day in DAYS]


def buckets(rest: Rest) -> list[dict[str, Any]]:
    found = rest.get("/v1/admin/buckets")
    assert found.status_code == 200, found.text
    items: list[dict[str, Any]] = found.get_json()["items"]
    return items


def ended(rest: Rest, job_id: str, state: str = "completed") -> dict[str, Any]:
    """The job, once it has ended so."""
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        found.update(rest.get(f"/v1/admin/jobs/{job_id}").get_json())
        return found["ended_at"] is not None

    wait_until(has_ended, 60, f"the end of job {job_id}")
    assert found["state"] == state, found
    return found


def started(rest: Rest, path: str, body: dict[str, Any] | None = None) -> str:
    answer = rest.post(f"/v1/admin/buckets/{path}", **({} if body is None else {"json": body}))
    assert answer.status_code == 202, answer.text
    job_id: str = answer.get_json()["id"]
    assert answer.headers["Location"] == f"/v1/admin/jobs/{job_id}"
    return job_id


def test_a_fresh_installation_has_one_bucket_for_all_of_time(rest: Rest) -> None:
    [bucket] = buckets(rest)
    index = bucket.pop("index")
    assert index.endswith(f"-{FIRST}-1")
    assert bucket.pop("share") >= 0
    assert bucket == {
        "name": FIRST,
        "start": "1970-01-01T00:00:00.000Z",
        "end": None,
        "state": "open",
        "documents": 0,
        "bytes": bucket["bytes"],
        "move": None,
    }


@on_either_profile
def test_a_bucket_is_split_merged_back_and_rebuilt(rest: Rest, clips: list[str]) -> None:
    job = ended(rest, started(rest, f"{FIRST}/split", {"at": DAYS[7]}))
    assert (job["kind"], job["parameters"]["bucket"], job["rate"]) == ("split", FIRST, 5000.0)
    assert job["progress"]["documents"] == job["progress"]["done"] == 3
    assert job["progress"]["held_s"] >= 0
    # The map tells first that it has ended, then the history does.
    wait_until(lambda: _history(rest, job["id"])[-1] == "ended", 60, "the last note")
    assert _history(rest, job["id"]) == ["dual", "hold", "switched", "ended"]
    notes = rest.get(f"/v1/admin/jobs/{job['id']}").get_json()["history"]
    assert [note["kind"] for note in notes] == ["phase", "phase", "phase", "ended"]
    first, second = buckets(rest)
    assert (first["end"], second["start"], second["name"]) == (second["start"], "2020-01-08T00:00:00.000Z",
                                                               "20200108000000")  # fmt: skip
    assert (first["documents"], second["documents"]) == (7, 3)
    assert (first["state"], second["state"]) == ("open", "open")
    assert sorted(rest.ids(size=100)) == sorted(clips)

    ended(rest, started(rest, f"{FIRST}/merge", {"next": second["name"]}))
    [merged] = buckets(rest)
    assert (merged["index"], merged["documents"]) == (first["index"], 10)

    ended(rest, started(rest, f"{FIRST}/rebuild"))
    [rebuilt] = buckets(rest)
    assert rebuilt["index"] != first["index"]
    assert rebuilt["documents"] == 10
    assert sorted(rest.ids(size=100)) == sorted(clips)


def test_without_a_time_a_split_halves_the_documents(rest: Rest, clips: list[str]) -> None:
    ended(rest, started(rest, f"{FIRST}/split"))
    assert [bucket["documents"] for bucket in buckets(rest)] in ([4, 6], [5, 5], [6, 4])
    assert len(rest.ids(size=100)) == len(clips)


def test_a_dry_run_reports_what_would_move_and_moves_nothing(rest: Rest, clips: list[str]) -> None:
    before = rest.get("/v1/admin/buckets").get_json()
    answer = rest.post(f"/v1/admin/buckets/{FIRST}/split", json={"at": DAYS[4], "rate": 2, "dry_run": True})
    assert answer.status_code == 200
    plan = answer.get_json()
    assert 0 < plan.pop("bytes") <= before["items"][0]["bytes"]
    assert plan == {
        "kind": "split",
        "bucket": FIRST,
        "start": "2020-01-05T00:00:00.000Z",
        "end": None,
        "documents": 6,
        "rate": 2.0,
        "seconds": 3.0,
    }
    assert len(clips) == 10
    rebuild = rest.post(f"/v1/admin/buckets/{FIRST}/rebuild", json={"rate": None, "dry_run": True}).get_json()
    assert (rebuild["documents"], rebuild["rate"], rebuild["seconds"]) == (10, None, None)
    roll = rest.post("/v1/admin/buckets/roll", json={"dry_run": True}).get_json()
    assert (roll["kind"], roll["documents"]) == ("roll", 0)
    assert rest.get("/v1/admin/buckets").get_json() == before
    assert rest.get("/v1/admin/jobs").get_json()["items"] == []


def test_a_roll_opens_a_bucket_ahead_of_time(rest: Rest) -> None:
    ended(rest, started(rest, "roll"))
    first, second = buckets(rest)
    assert first["end"] == second["start"]
    ended(rest, started(rest, "roll", {"at": "2101-02-03T04:05:06Z"}))
    assert buckets(rest)[-1]["name"] == "21010203040506"


@on_either_profile
def test_a_layout_is_made_newest_first_and_leaves_what_is_there(rest: Rest, clips: list[str]) -> None:
    wanted = {"at": [DAYS[2], "2020-01-06", DAYS[4], DAYS[2]]}
    reported = rest.post("/v1/admin/buckets/init", json=wanted | {"dry_run": True}).get_json()
    assert reported == {"job": None, "missing": [f"2020-01-0{day}T00:00:00.000Z" for day in (6, 5, 3)]}
    for left in (3, 2, 1):
        answer = rest.post("/v1/admin/buckets/init", json=wanted)
        assert answer.status_code == 202
        assert len(answer.get_json()["missing"]) == left
        ended(rest, answer.get_json()["job"])
    again = rest.post("/v1/admin/buckets/init", json=wanted)
    assert (again.status_code, again.get_json()) == (200, {"job": None, "missing": []})
    assert [bucket["documents"] for bucket in buckets(rest)] == [2, 2, 1, 5]
    assert sorted(rest.ids(size=100)) == sorted(clips)


@on_either_profile
def test_a_move_under_way_is_shown_and_can_be_paused_hurried_and_resumed(rest: Rest, clips: list[str]) -> None:
    job_id = started(rest, f"{FIRST}/split", {"at": DAYS[1], "rate": 0.5})
    wait_until(lambda: _phase(rest, job_id) == "dual", 30, "writers to write to both")
    [bucket] = buckets(rest)
    assert bucket["state"] == "splitting"
    assert (bucket["move"]["job"], bucket["move"]["kind"], bucket["move"]["phase"]) == (job_id, "split", "dual")
    assert bucket["move"]["state"] == "running"
    paused = rest.post(f"/v1/admin/jobs/{job_id}/pause")
    assert (paused.status_code, paused.get_json()["state"]) == (200, "paused")
    assert rest.post(f"/v1/admin/jobs/{job_id}/pause").get_json()["state"] == "paused"
    [bucket] = buckets(rest)
    assert (bucket["move"]["state"], bucket["move"]["rate"], bucket["move"]["remaining_s"]) == ("paused", None, None)
    hurried = rest.patch(f"/v1/admin/jobs/{job_id}", json={"rate": None})
    assert (hurried.status_code, hurried.get_json()["rate"]) == (200, None)
    assert rest.post(f"/v1/admin/jobs/{job_id}/resume").get_json()["state"] == "running"
    job = ended(rest, job_id)
    reported = [note["text"] for note in job["history"]]
    for line in ("paused by anonymous", "rate set by anonymous: unlimited", "resumed by anonymous"):
        assert line in reported
    assert sorted(rest.ids(size=100)) == sorted(clips)
    for late in ("pause", "resume", "cancel"):
        assert_problem(rest.post(f"/v1/admin/jobs/{job_id}/{late}"), 409, "conflict")
    assert_problem(rest.patch(f"/v1/admin/jobs/{job_id}", json={"rate": 1}), 409, "conflict")


def test_a_cancelled_move_leaves_things_as_they_were(rest: Rest, clips: list[str]) -> None:
    before = buckets(rest)
    job_id = started(rest, f"{FIRST}/rebuild", {"rate": 0.5})
    wait_until(lambda: _phase(rest, job_id) == "dual", 30, "writers to write to both")
    assert rest.post(f"/v1/admin/jobs/{job_id}/pause").status_code == 200
    assert rest.post(f"/v1/admin/jobs/{job_id}/cancel").status_code == 202
    job = ended(rest, job_id, "cancelled")
    assert "cancelled by anonymous" in [note["text"] for note in job["history"]]
    assert rest.post(f"/v1/admin/jobs/{job_id}/cancel").status_code == 202
    assert buckets(rest) == before
    assert sorted(rest.ids(size=100)) == sorted(clips)


@on_either_profile
def test_a_paused_merge_can_be_cancelled_and_keeps_later_writes(rest: Rest, clips: list[str]) -> None:
    ended(rest, started(rest, f"{FIRST}/split", {"at": DAYS[5]}))
    job_id = started(rest, f"{FIRST}/merge", {"rate": 0.5})
    wait_until(lambda: _phase(rest, job_id) == "dual", 30, "writers to write to both")
    clips.append(rest.new_asset(rest.new_type(), searchable=True, created_at=DAYS[9])["id"])
    assert rest.post(f"/v1/admin/jobs/{job_id}/pause").status_code == 200
    assert rest.post(f"/v1/admin/jobs/{job_id}/cancel").status_code == 202
    ended(rest, job_id, "cancelled")
    assert [bucket["documents"] for bucket in buckets(rest)] == [5, 6]
    assert sorted(rest.ids(size=100)) == sorted(clips)


def test_a_second_move_is_refused_naming_the_job_under_way(rest: Rest, clips: list[str]) -> None:
    job_id = started(rest, f"{FIRST}/split", {"at": DAYS[len(clips) // 2], "rate": 0.5})
    bodies = {"split": f"{FIRST}/split", "merge": f"{FIRST}/merge", "rebuild": f"{FIRST}/rebuild", "roll": "roll"}
    for path in bodies.values():
        problem = assert_problem(rest.post(f"/v1/admin/buckets/{path}"), 409, "conflict")
        assert problem["job"] == job_id
        assert job_id in problem["detail"]
    assert rest.post("/v1/admin/buckets/init", json={"at": [DAYS[0]]}).status_code == 409
    reconciled = rest.post("/v1/admin/buckets/reconcile").get_json()
    assert reconciled == {"items": [], "incomplete_buckets": [], "job": job_id}
    assert rest.patch(f"/v1/admin/jobs/{job_id}", json={"rate": None}).status_code == 200
    ended(rest, job_id)


def test_jobs_are_listed_newest_first_page_by_page(rest: Rest) -> None:
    made = [started(rest, "roll", {"at": f"2101-01-0{day}T00:00:00Z"}) for day in _after_each(rest, (1, 2, 3))]
    listed: list[str] = []
    cursor = ""
    for _ in itertools.count():
        page = rest.get(f"/v1/admin/jobs?limit=2{cursor}").get_json()
        assert len(page["items"]) <= 2
        assert all("history" not in item for item in page["items"])
        listed += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert listed == made[::-1]


@on_either_profile
def test_buckets_are_listed_page_by_page_and_while_one_is_opened(rest: Rest) -> None:
    for day in _after_each(rest, (1, 2)):
        started(rest, "roll", {"at": f"2101-01-0{day}T00:00:00Z"})
    all_of_them = [bucket["name"] for bucket in buckets(rest)]
    assert len(all_of_them) >= 2
    page = rest.get("/v1/admin/buckets?limit=1").get_json()
    rest_of_them = rest.get(f"/v1/admin/buckets?cursor={page['next_cursor']}").get_json()
    assert [bucket["name"] for bucket in page["items"] + rest_of_them["items"]] == all_of_them
    assert rest_of_them["next_cursor"] is None


def _history(rest: Rest, job_id: str) -> list[str]:
    return [note["text"] for note in rest.get(f"/v1/admin/jobs/{job_id}").get_json()["history"]]


def _phase(rest: Rest, job_id: str) -> str | None:
    phase: str | None = rest.get(f"/v1/admin/jobs/{job_id}").get_json()["progress"]["phase"]
    return phase


def _after_each(rest: Rest, values: tuple[int, ...]) -> Iterator[int]:
    """The values one by one, when no move is under way."""
    for value in values:
        yield value
        wait_until(lambda: all(bucket["move"] is None for bucket in buckets(rest)), 60, "the end of the move")
