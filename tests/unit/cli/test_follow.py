"""What is displayed of a job while it is followed."""

import re
from typing import Any

import pytest

from amp.cli.follow import JobFailed, doing, duration, how_far, require_completed, title

WAITS = "or changes wait for a bucket that refuses writes (see amp doctor)"
UNKNOWN = {"phase": None, "documents": None, "done": None, "rate": None, "remaining_s": None, "held_s": None}


def job(state: str = "running", reason: str = "", **progress: Any) -> dict[str, Any]:
    return {
        "id": "7",
        "kind": "split",
        "parameters": {"bucket": "19700101000000"},
        "state": state,
        "reason": reason,
        "dry_run": False,
        "waits_for": [],
        "progress": UNKNOWN | progress,
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599, "59 min 59 s"), (7380, "2 h 3 min")],
)
def test_a_duration_is_reported_in_the_units_that_matter(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_progress_is_reported_as_far_as_it_is_known() -> None:
    assert how_far(UNKNOWN) == ""
    known = UNKNOWN | {"documents": 5000, "done": 1200, "rate": 2000.4, "remaining_s": 1.9}
    assert how_far(known) == "1,200 of 5,000 documents, 2,000/s, 2 s left"
    assert how_far(UNKNOWN | {"documents": 5000, "done": 0}) == "0 of 5,000 documents"


def test_a_dry_run_is_never_taken_for_the_job_itself() -> None:
    dry = job(documents=9, done=9, counts={"done": 2, "changed": 7}) | {"parameters": {}, "dry_run": True}
    assert title(dry) == "split (dry run)"
    assert how_far(dry["progress"], dry_run=True) == "9 of 9 assets, 7 would change"


def test_a_job_is_busy_with_its_phase_unless_it_stands_still() -> None:
    assert doing(job()) == "waiting for the bucket worker"
    assert doing(job(phase="dual")) == "copying"
    assert doing(job("paused", phase="dual")) == "paused"
    assert doing(job("completed")) == "completed"


def test_a_job_that_no_worker_takes_up_says_which_to_run() -> None:
    waiting = job() | {"waits_for": ["extract", "job"]}
    assert doing(waiting) == "waiting for a worker: run `amp worker extract` and `amp worker job`"
    assert doing(waiting | {"state": "paused"}) == "paused"


def test_a_job_that_did_not_complete_is_a_failure_with_its_reason() -> None:
    require_completed(job("completed"))
    with pytest.raises(JobFailed, match=r"^split of 19700101000000 failed: no room: amp admin jobs show 7$"):
        require_completed(job("failed", "no room"))
    with pytest.raises(JobFailed, match=r"^split of 19700101000000 cancelled: amp admin jobs show 7$"):
        require_completed(job("cancelled"))


@pytest.mark.parametrize(
    ("kind", "counts", "text"),
    [
        (
            "check",
            {"done": 5, "found": 1_200},
            "check completed: 1,200 assets differed; list them with: amp admin jobs results 7",
        ),
        ("check", {"skipped": 2}, "check completed, but 2 assets could not be checked: they kept changing, " + WAITS),
        ("fix", {"skipped": 1}, "fix completed, but 1 asset could not be checked: they kept changing, " + WAITS),
        (
            "delete",
            {"failed": 3},
            "delete completed, but 3 assets failed; list them with: amp admin dead-letters list --job 7",
        ),
    ],
)
def test_a_job_that_left_something_open_is_a_failure_too(kind: str, counts: dict[str, int], text: str) -> None:
    ended = job("completed", counts=counts) | {"kind": kind, "parameters": {}}
    with pytest.raises(JobFailed, match=f"^{re.escape(text)}$"):
        require_completed(ended)


@pytest.mark.parametrize(
    ("dry_run", "command"), [(False, "amp admin dead-letters list --job 7"), (True, "amp admin jobs results 7")]
)
def test_a_job_that_gave_up_says_where_its_failures_are(dry_run: bool, command: str) -> None:
    failed = job("failed", "more than 2 assets failed", counts={"changed": 1, "failed": 3})
    with pytest.raises(JobFailed, match=f" failed: more than 2 assets failed: {command}$"):
        require_completed(failed | {"kind": "delete", "parameters": {}, "dry_run": dry_run})


def test_failures_of_a_dry_run_are_among_its_results() -> None:
    dry = job("completed", counts={"failed": 3}) | {"kind": "delete", "parameters": {}, "dry_run": True}
    with pytest.raises(
        JobFailed,
        match=r"^delete \(dry run\) completed, but 3 assets failed; list them with: amp admin jobs results 7$",
    ):
        require_completed(dry)


def test_what_a_job_is_not_for_is_no_failure() -> None:
    require_completed(job("completed", counts={"changed": 4, "skipped": 2}) | {"kind": "delete", "parameters": {}})
