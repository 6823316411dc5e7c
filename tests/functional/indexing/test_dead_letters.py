"""Dead letters: an asset that cannot be worked on never stops the others, and is not forgotten."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from amp.api.app import create_app
from amp.bootstrap import Amp
from amp.domain.dead_letters import DeadLetter
from amp.domain.ids import mint_at
from amp.domain.messages import JobItem
from amp.ports.message_queue import Topic
from amp.services.indexing.build_documents import DocumentBuilder
from tests.support.jobs.calls import (
    DEADLINE_S,
    JOBS,
    LETTERS,
    Noting,
    asset,
    await_search,
    counts,
    ended,
    letters,
    new_assets,
    ran,
    register,
    results,
    shown,
    started,
)
from tests.support.jobs.job_log import asset_job
from tests.support.service.built import running
from tests.support.service.rest import Rest, assert_problem, unique
from tests.support.stack.waiting import wait_until


@pytest.fixture(scope="module")
def noting(service: Amp) -> Noting:
    """The processor of jobs of kind `note`."""
    return register(service, "note")


@pytest.fixture
def poisoned(rest: Rest, noting: Noting) -> Iterator[dict[str, Any]]:
    """A job over twelve assets, two of which made the processor stumble."""
    made = new_assets(rest, rest.new_type(), 12)
    noting.poison |= {made[3], made[8]}
    job = ran(rest, "note", {"ids": made})
    yield {"job": job["id"], "ids": made, "bad": sorted((made[3], made[8])), "counts": counts(job)}
    noting.poison.clear()


def test_a_poison_asset_stops_nobody_and_is_reported_with_its_reason(
    rest: Rest, noting: Noting, poisoned: dict[str, Any]
) -> None:
    assert poisoned["counts"] == {"done": 10, "failed": 2}
    assert set(poisoned["ids"]) - set(noting.seen) == set(poisoned["bad"])
    reported = results(rest, poisoned["job"])
    assert sorted(reported) == poisoned["bad"]
    for asset_id, (outcome, note) in reported.items():
        assert outcome == "failed"
        assert note == f"RuntimeError('cannot stand {asset_id}')"
    found = letters(rest, f"?job={poisoned['job']}")
    assert sorted(letter["asset"] for letter in found) == poisoned["bad"]
    for letter in found:
        assert (letter["topic"], letter["job"], letter["attempts"]) == ("bulk", poisoned["job"], 1)
        assert letter["reason"] == reported[letter["asset"]][1]
        assert "Traceback" in letter["detail"]
        assert "in process" in letter["detail"]
        assert letter["asset"] in letter["payload"]
        assert letter["first_at"] == letter["last_at"]
        assert rest.get(f"{LETTERS}/{letter['id']}").get_json() == letter


def test_once_the_cause_is_gone_a_replay_finishes_the_job(rest: Rest, noting: Noting, poisoned: dict[str, Any]) -> None:
    job_id = poisoned["job"]
    noting.poison.clear()
    answer = rest.post(f"{LETTERS}/replay", json={"job": job_id})
    assert (answer.status_code, answer.get_json()) == (202, {"replayed": 2, "kept": []})
    wait_until(lambda: letters(rest, f"?job={job_id}") == [], DEADLINE_S, "the replay")
    job = shown(rest, job_id)
    assert (job["state"], counts(job)) == ("completed", {"done": 10, "resolved": 2})
    assert set(poisoned["bad"]) <= set(noting.seen)
    wait_until(lambda: results(rest, job_id) == {}, DEADLINE_S, "the results")
    assert rest.post(f"{LETTERS}/replay", json={"job": job_id}).get_json() == {"replayed": 0, "kept": []}


def test_a_replay_that_fails_again_has_one_attempt_more(rest: Rest, noting: Noting, poisoned: dict[str, Any]) -> None:
    job_id, (cured, ill) = poisoned["job"], poisoned["bad"]
    noting.poison.remove(cured)
    assert rest.post(f"{LETTERS}/replay", json={"job": job_id, "reason": "cannot stand"}).get_json() == {
        "replayed": 2,
        "kept": [],
    }
    wait_until(
        lambda: [(found["asset"], found["attempts"]) for found in letters(rest, f"?job={job_id}")] == [(ill, 2)],
        DEADLINE_S,
        "the replay",
    )
    [letter] = letters(rest, f"?job={job_id}")
    assert letter["last_at"] > letter["first_at"]
    assert counts(shown(rest, job_id)) == {"done": 10, "failed": 1, "resolved": 1}
    assert rest.post(f"{LETTERS}/discard", json={"ids": [letter["id"]]}).get_json() == {"discarded": 1}
    assert rest.post(f"{LETTERS}/discard", json={"ids": [letter["id"]]}).get_json() == {"discarded": 0}
    assert counts(shown(rest, job_id)) == {"done": 10, "resolved": 2}
    assert_problem(rest.get(f"{LETTERS}/{letter['id']}"), 404, "dead-letter-not-found")


def test_an_asset_that_misfits_its_type_is_done_once_the_type_is_fixed(rest: Rest) -> None:
    project = unique("p")
    lacking, having = rest.new_type({"remark": {"type": "string"}}), rest.new_type()
    bad, good = (rest.new_asset(kind, project=project)["id"] for kind in (lacking, having))
    job = ran(rest, "update-metadata", {"project": project}, parameters={"set": {"codec": "hevc"}})
    assert counts(job) == {"changed": 1, "failed": 1}
    [(asset_id, (outcome, note))] = results(rest, job["id"]).items()
    assert (asset_id, outcome) == (bad, "failed")
    assert "/metadata/codec" in note
    assert asset(rest, bad)["revision"] == 1
    assert asset(rest, good)["metadata"] == {"codec": "hevc"}
    fields = {"remark": {"type": "string"}, "codec": {"type": "string"}}
    assert rest.put(f"/v1/types/{lacking}", json={"fields": fields}).status_code == 200
    [letter] = letters(rest, f"?job={job['id']}")
    assert rest.post(f"{LETTERS}/replay", json={"ids": [letter["id"]]}).get_json() == {"replayed": 1, "kept": []}
    wait_until(lambda: letters(rest, f"?job={job['id']}") == [], DEADLINE_S, "the replay")
    assert asset(rest, bad)["metadata"] == {"codec": "hevc"}
    assert counts(shown(rest, job["id"])) == {"changed": 1, "resolved": 1}


def test_a_job_with_more_failures_than_allowed_is_given_up(rest: Rest, noting: Noting) -> None:
    made = new_assets(rest, rest.new_type(), 6)
    noting.poison |= set(made[:3])
    try:
        job = ended(rest, started(rest, "note", {"ids": made}, max_failures=2), "failed")
        assert job["reason"] == "more than 2 assets failed"
        assert job["history"][-1]["text"] == "failed: more than 2 assets failed"
        assert counts(job)["failed"] == 3
        just_enough = ran(rest, "note", {"ids": made}, max_failures=3)
        assert counts(just_enough) == {"done": 3, "failed": 3}
        strict = ended(rest, started(rest, "note", {"ids": made[2:]}, max_failures=0), "failed")
        assert strict["reason"] == "more than 0 assets failed"
        assert len(letters(rest, f"?job={job['id']}")) == 3
    finally:
        noting.poison.clear()


def test_what_live_traffic_could_not_index_is_listed_and_replayed(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = rest.new_type()
    build = DocumentBuilder.build

    def spoil(builder: DocumentBuilder, changes: Any) -> Any:
        built = build(builder, changes)
        for made in built.documents:
            for document in made.documents:
                if document.body.get("name") == "poison":
                    document.body["no_such_field"] = 1  # type: ignore[typeddict-unknown-key]
                    document.body["created_ms"] = "not a number"  # type: ignore[typeddict-item]
        return built

    with monkeypatch.context() as patch:
        patch.setattr(DocumentBuilder, "build", spoil)
        bad = rest.new_asset(kind, name="poison")["id"]
        good = rest.new_asset(kind, name="healthy")["id"]
        await_search(rest, f"type:{kind}", [good])
        wait_until(lambda: _live(rest, bad) != [], DEADLINE_S, "the dead letter")
    [letter] = _live(rest, bad)
    assert (letter["topic"], letter["job"], letter["attempts"]) == ("realtime", None, 1)
    assert letter["reason"]
    assert rest.post(f"{LETTERS}/replay", json={"ids": [letter["id"]]}).get_json() == {"replayed": 1, "kept": []}
    await_search(rest, f"type:{kind}", [good, bad])
    assert _live(rest, bad) == []


def _live(rest: Rest, asset_id: str) -> list[dict[str, Any]]:
    return [letter for letter in letters(rest, "?limit=200") if letter["asset"] == asset_id and letter["job"] is None]


def test_what_is_no_message_is_shown_and_stays_until_it_is_discarded(service: Amp, rest: Rest) -> None:
    reason, now_ms = unique("gibberish"), service.adapters.clock.now_ms()
    dead_letter_for = DeadLetter(
        id=uuid4(), topic="bulk", message=None, payload=b"\xff{", reason=reason, first_ms=now_ms, last_ms=now_ms
    )
    service.adapters.dead_letters.put(dead_letter_for)
    [letter] = letters(rest, f"?reason={reason}")
    assert (letter["asset"], letter["job"], letter["payload"]) == (None, None, "\ufffd{")
    assert rest.post(f"{LETTERS}/replay", json={"reason": reason}).get_json() == {
        "replayed": 0,
        "kept": [{"reason": "the message cannot be parsed; discard the dead letter", "count": 1}],
    }
    assert letters(rest, f"?reason={reason}") == [letter]
    assert rest.post(f"{LETTERS}/discard", json={"reason": reason}).get_json() == {"discarded": 1}
    assert letters(rest, f"?reason={reason}") == []


def test_dead_letters_are_listed_newest_first_page_by_page_and_by_reason(rest: Rest, poisoned: dict[str, Any]) -> None:
    first = rest.get(f"{LETTERS}?limit=1&job={poisoned['job']}").get_json()
    second = rest.get(f"{LETTERS}?limit=1&job={poisoned['job']}&cursor={first['next_cursor']}").get_json()
    items = first["items"] + second["items"]
    assert sorted(item["asset"] for item in items) == poisoned["bad"]
    assert items[0]["first_at"] >= items[1]["first_at"]
    cursor = first["next_cursor"]
    assert_problem(rest.get(f"{LETTERS}?limit=1&cursor={cursor}"), 400, "bad-cursor")
    one = poisoned["bad"][0]
    assert [item["asset"] for item in letters(rest, f"?job={poisoned['job']}&reason={one}")] == [one]
    assert letters(rest, f"?job={mint_at(1)}") == []
    assert letters(rest, f"?job={poisoned['job']}&reason=anything-else") == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"all": False}, "/all"),
        ({"all": True, "reason": "x"}, ""),
        ({"ids": []}, "/ids"),
        ({"ids": [str(uuid4()), "nonsense"]}, "/ids/1"),
        ({"job": "nonsense"}, "/job"),
        ({"reason": ""}, "/reason"),
        ({"asset": str(uuid4())}, "/asset"),
    ],
)
@pytest.mark.parametrize("what", ["replay", "discard"])
def test_dead_letters_are_replayed_and_discarded_only_if_they_are_named(
    rest: Rest, what: str, body: Any, pointer: str
) -> None:
    assert_problem(rest.post(f"{LETTERS}/{what}", json=body), 422, "unprocessable", pointer)


def test_a_dead_letter_that_is_not_there_is_404(rest: Rest) -> None:
    for dead_letter_id in (uuid4(), "nonsense"):
        assert_problem(rest.get(f"{LETTERS}/{dead_letter_id}"), 404, "dead-letter-not-found")
    assert_problem(rest.get(f"{LETTERS}?job=nonsense"), 400, "bad-request")


def test_all_dead_letters_can_be_discarded(tmp_path: Path) -> None:
    with running({"data_dir": tmp_path}) as amp:
        rest, noting = Rest(create_app(amp)), register(amp, "note")
        made = new_assets(rest, rest.new_type(), 3)
        noting.poison |= set(made)
        jobs = [ran(rest, "note", {"ids": made})["id"] for _ in range(2)]
        assert rest.post(f"{LETTERS}/discard", json={"job": jobs[0]}).get_json() == {"discarded": 3}
        assert rest.post(f"{LETTERS}/replay", json={"all": True}).get_json() == {"replayed": 3, "kept": []}
        wait_until(lambda: {found["attempts"] for found in letters(rest)} == {2}, DEADLINE_S, "the replay")
        assert rest.post(f"{LETTERS}/discard", json={"all": True}).get_json() == {"discarded": 3}
        assert letters(rest) == []
        assert counts(shown(rest, jobs[1])) == {"resolved": 3}


def test_a_dead_letter_whose_job_is_forgotten_is_not_replayed_and_stays(
    service: Amp, rest: Rest, poisoned: dict[str, Any]
) -> None:
    service.adapters.jobs.forget(UUID(poisoned["job"]))
    answer = rest.post(f"{LETTERS}/replay", json={"job": poisoned["job"]}).get_json()
    assert answer["replayed"] == 0
    [kept] = answer["kept"]
    assert (kept["count"], kept["reason"][:20]) == (2, "the job was removed,")
    assert [letter["attempts"] for letter in letters(rest, f"?job={poisoned['job']}")] == [1, 1]
    assert rest.post(f"{LETTERS}/discard", json={"job": poisoned["job"]}).get_json() == {"discarded": 2}


def test_workers_that_know_no_such_kind_of_job_put_its_work_aside(service: Amp, rest: Rest) -> None:
    a = service.adapters
    job = asset_job(id=mint_at(a.clock.now_ms()), kind="of-tomorrow")
    a.jobs.add(job)
    event = JobItem(job_id=job.id, chunk=0, asset_id=mint_at(a.clock.now_ms()))
    a.queue.publish(Topic.BULK, [event])
    wait_until(lambda: letters(rest, f"?job={job.id}") != [], DEADLINE_S, "the dead letter")
    [letter] = letters(rest, f"?job={job.id}")
    assert (letter["asset"], letter["topic"]) == (str(event.asset_id), "bulk")
    assert letter["reason"] == "there is no processor for jobs of kind 'of-tomorrow' here"
    assert shown(rest, str(job.id))["state"] == "running", "it is for workers who know it"
    assert rest.post(f"{JOBS}/{job.id}/cancel").get_json()["state"] == "cancelled"
