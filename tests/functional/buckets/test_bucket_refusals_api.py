"""Requests about buckets and their jobs that are refused over REST, with the place of the fault."""

from collections.abc import Iterator
from typing import Any

import pytest

from amp.api.app import create_app
from tests.support.service.built import running
from tests.support.service.rest import Rest, assert_problem

SHORT = {"search_timeout_s": "1", "bucket_check_s": "3600", "move_rate": "5000"}
DAYS = [f"2020-01-{day:02d}T00:00:00Z" for day in range(1, 11)]
FIRST = "19700101000000"


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        (f"{FIRST}/split", {"rate": 0}, "/rate"),
        (f"{FIRST}/split", {"rate": -1}, "/rate"),
        (f"{FIRST}/split", {"rate": "fast"}, "/rate"),
        (f"{FIRST}/split", {"rate": True}, "/rate"),
        (f"{FIRST}/split", {"at": "2020-01-05T00:00:00.5Z"}, "/at"),
        (f"{FIRST}/split", {"at": "2020-01-05T00:00:00"}, "/at"),
        (f"{FIRST}/split", {"at": "soon"}, "/at"),
        (f"{FIRST}/split", {"at": 1577836800}, "/at"),
        (f"{FIRST}/split", {"at": "1969-12-31T23:59:59Z"}, "/at"),
        (f"{FIRST}/split", {"at": "1970-01-01T00:00:00Z"}, "/at"),
        (f"{FIRST}/split", {"at": "2019-01-01"}, "/at"),
        (f"{FIRST}/split", {"at": "2101-01-01"}, "/at"),
        (f"{FIRST}/split", {"dry_run": "yes"}, "/dry_run"),
        (f"{FIRST}/split", {"boundary": "2020-01-05"}, "/boundary"),
        (f"{FIRST}/merge", {"at": "2020-01-05"}, "/at"),
        (f"{FIRST}/merge", {"next": FIRST}, "/next"),
        (f"{FIRST}/rebuild", {"rate": 0.01}, "/rate"),
        ("roll", {"at": "2020-01-05"}, "/at"),
        ("init", {}, "/at"),
        ("init", {"at": []}, "/at"),
        ("init", {"at": ["2020-01-05", "1969-01-01"]}, "/at/1"),
        ("init", {"at": ["2020-01-05T00:00:00.001Z"]}, "/at/0"),
        ("reconcile", {"heal": "please"}, "/heal"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(refusing: Rest, path: str, body: Any, pointer: str) -> None:
    before = refusing.get("/v1/admin/buckets").get_json()
    problem = assert_problem(refusing.post(f"/v1/admin/buckets/{path}", json=body), 422, "unprocessable", pointer)
    assert len(problem["detail"]) > 10
    assert refusing.get("/v1/admin/buckets").get_json() == before
    assert refusing.get("/v1/admin/jobs").get_json()["items"] == []


def test_the_newest_bucket_cannot_be_merged_with_the_next(refusing: Rest) -> None:
    problem = assert_problem(refusing.post(f"/v1/admin/buckets/{FIRST}/merge"), 422, "unprocessable")
    assert "no next bucket" in problem["detail"]


@pytest.mark.parametrize("name", ["20200101000000", "first", "2020", "%00", "1970010100000"])
@pytest.mark.parametrize("what", ["split", "merge", "rebuild"])
def test_a_bucket_that_is_not_there_is_404(refusing: Rest, name: str, what: str) -> None:
    assert_problem(refusing.post(f"/v1/admin/buckets/{name}/{what}"), 404, "bucket-not-found")


def test_a_job_that_is_not_there_is_404(refusing: Rest) -> None:
    for job_id in ("01912345-6789-7abc-8def-0123456789ab", "nonsense"):
        assert_problem(refusing.get(f"/v1/admin/jobs/{job_id}"), 404, "job-not-found")
        for what in ("pause", "resume", "cancel"):
            assert_problem(refusing.post(f"/v1/admin/jobs/{job_id}/{what}"), 404, "job-not-found")
        assert_problem(refusing.patch(f"/v1/admin/jobs/{job_id}", json={"rate": 1}), 404, "job-not-found")


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """An installation with ten assets that every request leaves as it is."""
    with running({"data_dir": tmp_path_factory.mktemp("amp"), **SHORT}) as amp:
        rest = Rest(create_app(amp))
        kind = rest.new_type()
        for day in DAYS:
            rest.new_asset(kind, searchable=day == DAYS[-1], created_at=day)
        yield rest
