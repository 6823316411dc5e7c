"""Jobs over assets over REST: started over exactly the assets selected, listed and steered."""

from typing import Any

import pytest

from amp.bootstrap import Amp
from amp.domain.ids import mint_at
from amp.errors import StoreUnavailable
from tests.support.jobs.calls import (
    JOBS,
    Noting,
    await_search,
    counts,
    deleted,
    ended,
    found,
    listed,
    new_assets,
    ran,
    register,
    shown,
    started,
)
from tests.support.service.rest import Rest, assert_problem, unique
from tests.support.stack.waiting import wait_until

DAYS = [f"1995-03-0{day}T00:00:00Z" for day in range(1, 7)]
#: Assets a second, slow enough for steering, and how many there are.
SLOW, MANY = 20, 300


@pytest.fixture(scope="module")
def noting(service: Amp) -> Noting:
    """The processor of jobs of kind `note`."""
    return register(service, "note")


@pytest.fixture(scope="module")
def kind(rest: Rest) -> str:
    return rest.new_type()


def test_a_job_selects_its_type_or_project_with_deleted_assets(rest: Rest, noting: Noting) -> None:
    kind, project = rest.new_type(), unique("p")
    here = new_assets(rest, kind, 3, project=project)
    there = new_assets(rest, kind, 2)
    elsewhere = new_assets(rest, rest.new_type(), 2, project=project)
    deleted(rest, here[0])
    assert _seen(rest, noting, {"type": kind}) == sorted(here + there)
    assert _seen(rest, noting, {"project": project}) == sorted(here + elsewhere)


def test_the_bounds_of_a_time_are_half_open(rest: Rest, noting: Noting) -> None:
    kind, project = rest.new_type(), unique("p")
    made = [rest.new_asset(kind, created_at=day, project=project)["id"] for day in DAYS]
    deleted(rest, made[2])
    for first, last, expected in ((1, 4, made[1:4]), (None, 3, made[:3]), (3, None, made[3:])):
        bounds = {name: DAYS[i] for name, i in (("from", first), ("to", last)) if i is not None}
        for selector in ({"type": kind}, {"project": project}):
            assert _seen(rest, noting, selector | {"created": bounds}) == sorted(expected)
    just_past = {"from": "1995-03-02T00:00:00.001Z", "to": "1995-03-04T00:00:00.001Z"}
    assert _seen(rest, noting, {"created": just_past}) == sorted(made[2:4])
    assert _seen(rest, noting, {"created": {"from": "1995-04-01", "to": "1995-05-01"}}) == []


def test_a_query_selects_what_its_search_finds(rest: Rest, noting: Noting) -> None:
    kind = rest.new_type()
    wanted = new_assets(rest, kind, 450, metadata={"codec": "h264"})
    others = new_assets(rest, kind, 3, metadata={"codec": "hevc"})
    deleted(rest, wanted.pop(7))
    wait_until(lambda: rest.search(query={"field": "type", "eq": kind}, size=0)["total"] == 452, 60, "the index")
    assert _seen(rest, noting, {"query": f"type:{kind} codec:h264"}) == sorted(wanted)
    assert _seen(rest, noting, {"query": f"type:{kind} codec:hevc"}) == sorted(others)


def test_listed_ids_are_looked_after_once_each_and_unknown_ones_skipped(rest: Rest, kind: str, noting: Noting) -> None:
    a, b, c = new_assets(rest, kind, 3)
    unknown = str(mint_at(1_000_000))
    assert _seen(rest, noting, {"ids": [a, b.upper(), a, b]}) == sorted([a, b])
    deleted(rest, a)
    job = ran(rest, "delete", {"ids": [a, unknown, b, b]})
    assert counts(job) == {"done": 1, "changed": 1, "skipped": 1}
    assert rest.get(f"/v1/assets/{c}").status_code == 200
    assert job["parameters"]["selector"] == {"ids": 3}
    assert counts(ran(rest, "reindex", {"ids": [a, unknown]})) == {"done": 1, "skipped": 1}


def test_ids_may_fill_several_chunks(rest: Rest, kind: str, noting: Noting) -> None:
    made = new_assets(rest, kind, 1_100)
    assert _seen(rest, noting, {"ids": made}) == sorted(made)


@pytest.mark.usefixtures("noting")
def test_a_job_asked_for_again_under_its_key_is_the_same_job(rest: Rest, kind: str) -> None:
    made, headers = new_assets(rest, kind, 3), {"Idempotency-Key": unique("key")}
    body = {"kind": "note", "selector": {"ids": made}, "rate": None}
    first = rest.post(JOBS, json=body, headers=headers)
    assert first.status_code == 202
    again = rest.post(JOBS, json=body, headers=headers)
    assert (again.status_code, again.get_json()["id"]) == (202, first.get_json()["id"])
    assert counts(ended(rest, first.get_json()["id"])) == {"done": 3}
    assert rest.post(JOBS, json=body, headers=headers).get_json()["state"] == "completed"
    assert_problem(rest.post(JOBS, json=body | {"sample": 1}, headers=headers), 422, "idempotency-key-reused")
    other = rest.post(JOBS, json=body, headers={"Idempotency-Key": unique("key")})
    assert other.get_json()["id"] != first.get_json()["id"]
    assert_problem(rest.post(JOBS, json=body, headers={"Idempotency-Key": ""}), 400, "bad-request")


@pytest.mark.usefixtures("noting")
def test_a_job_that_was_claimed_and_never_kept_is_kept_by_the_next_request(
    service: Amp, rest: Rest, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, headers = new_assets(rest, kind, 2), {"Idempotency-Key": unique("key")}
    body = {"kind": "note", "selector": {"ids": made}, "rate": None}

    def fail(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(service.adapters.jobs, "add", fail)
        assert rest.post(JOBS, json=body, headers=headers).status_code == 503
    assert counts(ended(rest, rest.post(JOBS, json=body, headers=headers).get_json()["id"])) == {"done": 2}


@pytest.mark.usefixtures("noting")
def test_a_request_with_the_most_ids_writes_a_bounded_number_of_times(
    service: Amp, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks: list[int] = []
    keep = service.adapters.job_ids.keep
    monkeypatch.setattr(
        service.adapters.job_ids, "keep", lambda job_id, of: (blocks.append(len(of)), keep(job_id, of))[1]
    )
    ids = [str(mint_at(1_000_000 + n)) for n in range(20_000)]
    job = started(rest, "note", {"ids": ids}, rate=0.1, sample=19_000)
    assert blocks == [4]
    assert shown(rest, job)["parameters"]["selector"] == {"ids": 19_000}
    assert rest.post(f"{JOBS}/{job}/cancel").status_code == 202


def test_all_are_all_there_are(service: Amp, rest: Rest, noting: Noting) -> None:
    new_assets(rest, rest.new_type(), 3)
    listed: list[str] = []
    position = None
    while True:
        page = service.adapters.listing.page(position=position, limit=1000)
        listed += map(str, page.ids)
        position = page.position
        if position is None:
            break
    assert _seen(rest, noting, {"all": True}) == sorted(listed)


def test_a_sample_is_of_so_many_and_no_more(rest: Rest, noting: Noting) -> None:
    kind = rest.new_type()
    made = new_assets(rest, kind, 30)
    for sample, expected in ((7, 7), (30, 30), (31, 30)):
        seen = _seen(rest, noting, {"type": kind}, sample=sample)
        assert len(seen) == expected
        assert set(seen) <= set(made)
    assert len(_seen(rest, noting, {"ids": made}, sample=4)) == 4


def test_a_job_shows_who_asked_for_it_how_far_it_is_and_how_it_went(rest: Rest, noting: Noting) -> None:
    kind, asker = rest.new_type(), Rest(rest.app, "mara")
    new_assets(rest, kind, 5)
    job = ended(rest, started(asker, "note", {"type": kind}, rate=1000, max_failures=3))
    assert (job["kind"], job["requested_by"], job["rate"], job["reason"]) == ("note", "mara", 1000.0, "")
    assert job["parameters"]["selector"] == {"type": kind}
    assert (job["parameters"]["max_failures"], job["dry_run"]) == (3, False)
    progress = job["progress"]
    assert (progress["documents"], progress["done"], counts(job)) == (5, 5, {"done": 5})
    assert [note["text"] for note in job["history"]] == ["submitted by mara", "completed"]
    assert [note["kind"] for note in job["history"]] == ["submitted", "ended"]
    [item] = listed(rest, [job["id"]])
    assert item == {name: value for name, value in job.items() if name != "history"}
    assert len(noting.seen) >= 5


def test_jobs_are_listed_newest_first_page_by_page(rest: Rest, noting: Noting) -> None:
    assert noting.poison == set()
    kind = rest.new_type()
    made = [started(rest, "note", {"type": kind}) for _ in range(5)]
    assert [item["id"] for item in listed(rest, made)] == made[::-1]
    for job_id in made:
        assert counts(ended(rest, job_id)) == {}


def test_the_rate_left_out_is_that_of_the_settings(service: Amp, rest: Rest, noting: Noting) -> None:
    assert noting.poison == set()
    answer = rest.post(JOBS, json={"kind": "note", "selector": {"type": rest.new_type()}})
    assert answer.get_json()["rate"] == service.settings.job_rate
    assert counts(ended(rest, answer.get_json()["id"])) == {}


@pytest.fixture
def slow(rest: Rest, noting: Noting) -> str:
    """A job over `MANY` assets that has begun, and takes its time."""
    kind = rest.new_type()
    new_assets(rest, kind, MANY)
    before = len(noting.seen)
    job_id = started(rest, "note", {"type": kind}, rate=SLOW)
    wait_until(lambda: _done(rest, job_id) > 0, 60, "the job to begin")
    assert 0 < len(noting.seen) - before < MANY
    return job_id


def test_a_paused_job_does_nothing_until_it_is_resumed(rest: Rest, slow: str, noting: Noting) -> None:
    paused = rest.post(f"{JOBS}/{slow}/pause")
    assert (paused.status_code, paused.get_json()["state"]) == (200, "paused")
    assert rest.post(f"{JOBS}/{slow}/pause").get_json()["state"] == "paused"
    _let_another_pass(rest)
    done, seen = _done(rest, slow), len(noting.seen)
    for _ in range(2):
        _let_another_pass(rest)
    assert (_done(rest, slow), len(noting.seen)) == (done, seen)
    assert done < MANY
    hurried = rest.patch(f"{JOBS}/{slow}", json={"rate": None})
    assert (hurried.status_code, hurried.get_json()["rate"], hurried.get_json()["state"]) == (200, None, "paused")
    assert rest.post(f"{JOBS}/{slow}/resume").get_json()["state"] == "running"
    job = ended(rest, slow)
    assert counts(job) == {"done": MANY}
    texts = [note["text"] for note in job["history"]]
    assert texts == [
        "submitted by anonymous",
        "paused by anonymous",
        "rate set by anonymous: unlimited",
        "resumed by anonymous",
        "completed",
    ]
    for late in ("pause", "resume", "cancel"):
        assert_problem(rest.post(f"{JOBS}/{slow}/{late}"), 409, "conflict")
    assert_problem(rest.patch(f"{JOBS}/{slow}", json={"rate": 1}), 409, "conflict")


def test_a_rate_set_while_a_job_runs_holds_from_then_on(rest: Rest, slow: str) -> None:
    changed = rest.patch(f"{JOBS}/{slow}", json={"rate": 5000.5}, content_type="application/merge-patch+json")
    assert changed.get_json()["rate"] == 5000.5
    job = ended(rest, slow)
    assert counts(job) == {"done": MANY}
    assert "rate set by anonymous: 5000.5 per second" in [note["text"] for note in job["history"]]


def test_a_cancelled_job_ends_and_takes_up_nothing_more(rest: Rest, slow: str, noting: Noting) -> None:
    cancelled = rest.post(f"{JOBS}/{slow}/cancel")
    assert (cancelled.status_code, cancelled.get_json()["state"]) == (202, "cancelled")
    assert cancelled.get_json()["ended_at"] is not None
    assert rest.post(f"{JOBS}/{slow}/cancel").status_code == 202
    _let_another_pass(rest)
    seen = len(noting.seen)
    for _ in range(2):
        _let_another_pass(rest)
    assert len(noting.seen) == seen
    job = shown(rest, slow)
    assert 0 < job["progress"]["done"] < MANY
    assert [note["text"] for note in job["history"]] == ["submitted by anonymous", "cancelled by anonymous"]
    assert_problem(rest.post(f"{JOBS}/{slow}/resume"), 409, "conflict")


def test_a_paused_job_can_be_cancelled(rest: Rest, slow: str) -> None:
    assert rest.post(f"{JOBS}/{slow}/pause").status_code == 200
    assert rest.post(f"{JOBS}/{slow}/cancel").get_json()["state"] == "cancelled"


def test_results_of_a_job_that_is_not_there_are_404(rest: Rest) -> None:
    for job_id in (mint_at(1), "nonsense"):
        assert_problem(rest.get(f"{JOBS}/{job_id}/results"), 404, "job-not-found")
    assert_problem(rest.get(f"{JOBS}/{mint_at(1)}/results?cursor=nonsense"), 400, "bad-cursor")


def test_a_job_over_assets_that_a_search_sees_leaves_them_as_they_are(rest: Rest) -> None:
    kind = rest.new_type()
    made = new_assets(rest, kind, 3)
    await_search(rest, f"type:{kind}", made)
    assert counts(ran(rest, "reindex", {"type": kind})) == {"done": 3}
    assert found(rest, f"type:{kind}") == sorted(made)


def _seen(rest: Rest, noting: Noting, selector: Any, **more: Any) -> list[str]:
    """The assets that a job of that selector looked after."""
    before = len(noting.seen)
    job = ran(rest, "note", selector, **more)
    seen = set(noting.seen[before:])
    assert job["progress"]["documents"] == job["progress"]["done"] == len(seen)
    return sorted(seen)


def _done(rest: Rest, job_id: str) -> int:
    return shown(rest, job_id)["progress"]["done"] or 0


def _let_another_pass(rest: Rest) -> None:
    """Jobs are taken a step further in turn: when another has come and gone, each had its turn."""
    kind = rest.new_type()
    assert counts(ran(rest, "reindex", {"ids": new_assets(rest, kind, 1)})) == {"done": 1}
