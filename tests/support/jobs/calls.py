"""Jobs over assets as tests call for them: started, seen to their end, counted; and processors that tests look into."""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import UUID

from amp.bootstrap import Amp
from amp.domain.chunks import ItemOutcome, ItemResult
from amp.domain.job_parameters import AssetJobParameters
from amp.domain.jobs import AssetJob
from amp.domain.messages import JobItem
from amp.ports.message_queue import Topic
from tests.support.service.rest import Rest
from tests.support.stack.waiting import wait_until

JOBS = "/v1/admin/jobs"
LETTERS = "/v1/admin/dead-letters"
DEADLINE_S = 60


def started(rest: Rest, kind: str, selector: Mapping[str, Any], **more: Any) -> str:
    """The id of a job as fast as it goes, unless `more` says otherwise."""
    answer = rest.post(JOBS, json={"kind": kind, "selector": selector, "rate": None} | more)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.get_json()["id"]
    assert answer.headers["Location"] == f"{JOBS}/{job_id}"
    return job_id


def shown(rest: Rest, job_id: str) -> dict[str, Any]:
    answer = rest.get(f"{JOBS}/{job_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def ended(rest: Rest, job_id: str, state: str = "completed", timeout_s: float = DEADLINE_S) -> dict[str, Any]:
    """The job, once it has ended so."""
    wait_until(lambda: shown(rest, job_id)["ended_at"] is not None, timeout_s, f"the end of job {job_id}")
    # The state changes first, then the history tells.
    wait_until(lambda: _tells_its_end(shown(rest, job_id)), timeout_s, f"the last note of job {job_id}")
    job = shown(rest, job_id)
    assert job["state"] == state, job
    return job


def _tells_its_end(job: Mapping[str, Any]) -> bool:
    return any(note["text"].startswith(job["state"]) for note in job["history"])


def ran(rest: Rest, kind: str, selector: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return ended(rest, started(rest, kind, selector, **more))


def counts(job: Mapping[str, Any]) -> dict[str, int]:
    """What became of how many, without zeros."""
    return {outcome: count for outcome, count in (job["progress"]["counts"] or {}).items() if count}


def results(rest: Rest, job_id: str) -> dict[str, tuple[str, str]]:
    """Outcome and note of each asset that the job tells of."""
    items: list[dict[str, str]] = []
    cursor = ""
    while True:
        page = rest.get(f"{JOBS}/{job_id}/results{cursor}").get_json()
        items += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"?cursor={page['next_cursor']}"
    found = {item["asset"]: (item["outcome"], item["note"]) for item in items}
    assert len(found) == len(items), "an asset is reported twice"
    return found


def letters(rest: Rest, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = rest.get(f"{LETTERS}{query}{cursor}")
        assert answer.status_code == 200, answer.text
        items += answer.get_json()["items"]
        if answer.get_json()["next_cursor"] is None:
            return items
        cursor = f"{'&' if query else '?'}cursor={answer.get_json()['next_cursor']}"


def listed(rest: Rest, job_ids: Sequence[str]) -> list[dict[str, Any]]:
    """These jobs as the list shows them, in its order; others may stand between them, those of later times first."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while len(items) < len(job_ids):
        page = rest.get(f"{JOBS}?limit=2{cursor}").get_json()
        items += [item for item in page["items"] if item["id"] in job_ids]
        assert page["next_cursor"] is not None or len(items) == len(job_ids)
        cursor = f"&cursor={page['next_cursor']}"
    return items


def new_assets(rest: Rest, kind: str, count: int, **more: Any) -> list[str]:
    """Ids in the order of creation."""
    items = [{"type": kind, "name": f"{kind} {n}", **more} for n in range(count)]
    answer = rest.post("/v1/assets/bulk", json=items)
    made = answer.get_json()["items"]
    assert {item["status"] for item in made} <= {201}, answer.text
    return [item["id"] for item in made]


def asset(rest: Rest, asset_id: str) -> dict[str, Any]:
    answer = rest.get(f"/v1/assets/{asset_id}?deleted=true")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def changed(rest: Rest, asset_id: str, **metadata: Any) -> dict[str, Any]:
    """The asset, after a user changed some of its metadata."""
    answer = rest.patch(
        f"/v1/assets/{asset_id}", json={"metadata": metadata}, content_type="application/merge-patch+json"
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def deleted(rest: Rest, asset_id: str) -> None:
    assert rest.delete(f"/v1/assets/{asset_id}").status_code == 204


def await_search(rest: Rest, text: str, ids: Sequence[str]) -> None:
    """Until that search finds these assets, and no others."""
    wait_until(lambda: found(rest, text) == sorted(ids), DEADLINE_S, f"{text!r} to find {len(ids)} assets")


def found(rest: Rest, text: str) -> list[str]:
    """Up to 200 ids, sorted."""
    answer = rest.get(f"/v1/search?size=200&q={quote(text)}")
    assert answer.status_code == 200, answer.text
    return sorted(item["id"] for item in answer.get_json()["items"])


def versions(rest: Rest, asset_id: str) -> list[dict[str, Any]]:
    """Metadata of the asset's versions, newest first."""
    answer = rest.get(f"/v1/assets/{asset_id}/versions")
    assert answer.status_code == 200, answer.text
    return [item["metadata"] for item in answer.get_json()["items"]]


def documents(amp: Amp, ids: Collection[str]) -> dict[str, int]:
    """The revision of every document of these assets, tombstones included."""
    a = amp.adapters
    a.indices.refresh([info.index for info in a.indices.info()])
    return {document.doc_id: document.revision for _, document in a.documents.of_assets([UUID(i) for i in ids])}


def replay(amp: Amp, job_id: str, ids: Collection[str]) -> None:
    """The events of an ended job come again, and are done."""
    queue = amp.adapters.queue
    events = [JobItem(job_id=UUID(job_id), chunk=0, asset_id=UUID(i), replayed=True) for i in ids]
    queue.publish(Topic.BULK, events * 2)
    assert queue.flush(10)
    mark = queue.mark(Topic.BULK)
    wait_until(lambda: queue.behind(Topic.BULK, "jobs", mark) == 0, DEADLINE_S, "the job worker")


@dataclass
class Noting:
    """A processor that notes what it is given, and stumbles over what is poison to it."""

    changes: bool = False
    selects_mismatches: bool = False
    seen: list[str] = field(default_factory=list)
    poison: set[str] = field(default_factory=set)

    def check(self, parameters: AssetJobParameters) -> None:
        pass

    def process(self, job: AssetJob, ids: Sequence[UUID], stop: threading.Event) -> Mapping[UUID, ItemResult]:  # noqa: ARG002
        given = [str(asset_id) for asset_id in ids]
        if bad := self.poison & set(given):
            raise RuntimeError(f"cannot stand {', '.join(sorted(bad))}")
        self.seen += given
        return dict.fromkeys(ids, ItemResult(ItemOutcome.DONE))


def register(amp: Amp, kind: str) -> Noting:
    """A new kind of job, on a service that may be running."""
    processor = Noting()
    amp.jobs.submission.processors[kind] = processor  # type: ignore[index]  # the one registry of all who look into it
    return processor
