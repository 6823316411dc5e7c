"""Routes of jobs: operations that take a while."""

from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api import examples
from amp.api.admin_presenters import job_json, job_location
from amp.api.current import amp, principal
from amp.api.idempotency import idempotency_key, key_given
from amp.api.json_body import JSON, MERGE_PATCH, JsonBody
from amp.api.models.jobs import MAX_IDS, JobIn, JobList, JobOut, JobPatch, ResultList
from amp.api.operations import ResponseSpec, operation
from amp.api.pages import next_cursor, position
from amp.api.parameters import CURSOR, LIMIT
from amp.api.responses import json_response
from amp.api.routes.terms import IDEMPOTENCY_KEY, LOCATION, PRINCIPAL

api = APIBlueprint("jobs", __name__, url_prefix="/v1/admin", abp_tags=[Tag(name="jobs")])
#: At least; a page holds the results of whole chunks.
_RESULTS_A_PAGE = 200


@operation(
    api,
    "get",
    "/jobs",
    query=(LIMIT, CURSOR),
    headers=(PRINCIPAL,),
    answers={200: ResponseSpec("A page of jobs.", JobList)},
    refusals=(503,),
)
def list_jobs() -> Response:
    """List jobs, newest first."""
    before, limit = position(str, ["jobs"]), LIMIT.read()
    found = amp().jobs.control.page(None if before is None else UUID(before), limit + 1, principal())
    last = str(found[limit - 1].job.id) if len(found) > limit else None
    items = [job_json(status, history=False) for status in found[:limit]]
    return json_response({"items": items, "next_cursor": next_cursor(last, ["jobs"])})


@operation(
    api,
    "post",
    "/jobs",
    headers=(IDEMPOTENCY_KEY, PRINCIPAL),
    body=JsonBody(JobIn, examples.JOB, bulk=True, max_values=MAX_IDS + 5_000),
    answers={202: ResponseSpec("The job.", JobOut, (LOCATION,))},
    refusals=(422, 503),
)
def start_job(body: JobIn) -> Response:
    """Start a job over some or all assets.

    Nothing runs before everything about it was found sensible. It goes on beside live traffic, in processes of its own.
    A repeat with the same Idempotency-Key gets the same job as it is now.
    """
    key = key_given()
    said = (
        None if key is None else idempotency_key(key, body.model_dump(mode="json", by_alias=True, exclude_unset=True))
    )
    job = amp().jobs.submission.submit(body.order(amp().settings.job_rate), principal(), said)
    return json_response(job_json(amp().jobs.control.get(job.id, principal())), 202, job_location(job))


@operation(
    api,
    "get",
    "/jobs/<job_id>",
    headers=(PRINCIPAL,),
    answers={200: ResponseSpec("The job with its history.", JobOut)},
    refusals=(404, 503),
)
def get_job(job_id: UUID) -> Response:
    """Read a job: how far it is, and how it got there."""
    return json_response(job_json(amp().jobs.control.get(job_id, principal())))


@operation(
    api,
    "get",
    "/jobs/<job_id>/results",
    query=(CURSOR,),
    headers=(PRINCIPAL,),
    answers={200: ResponseSpec("A page of results.", ResultList)},
    refusals=(404, 503),
)
def list_results(job_id: UUID) -> Response:
    """List the assets that a job found to differ, or gave up, as far as it has come.

    What went well is only counted.
    """
    bound_to = ["job-results", str(job_id)]
    found, following = amp().jobs.control.results(job_id, position(int, bound_to) or 0, _RESULTS_A_PAGE, principal())
    items = [
        {"asset": str(asset_id), "outcome": result.outcome.value, "note": result.note} for asset_id, result in found
    ]
    return json_response({"items": items, "next_cursor": next_cursor(following, bound_to)})


@operation(
    api,
    "patch",
    "/jobs/<job_id>",
    headers=(PRINCIPAL,),
    body=JsonBody(JobPatch, examples.JOB_PATCH, (JSON, MERGE_PATCH)),
    answers={200: ResponseSpec("The job as it is now.", JobOut)},
    refusals=(404, 409, 422, 503),
)
def change_job(job_id: UUID, body: JobPatch) -> Response:
    """Change how fast a job may go while it runs."""
    return json_response(job_json(amp().jobs.control.set_rate(job_id, body.rate, principal())))


@operation(
    api,
    "post",
    "/jobs/<job_id>/pause",
    headers=(PRINCIPAL,),
    answers={200: ResponseSpec("The job as it is now.", JobOut)},
    refusals=(404, 409, 503),
)
def pause_job(job_id: UUID) -> Response:
    """Pause a job until it is resumed.

    Searches and writes are right meanwhile. It takes effect within about a second.
    """
    return json_response(job_json(amp().jobs.control.pause(job_id, principal())))


@operation(
    api,
    "post",
    "/jobs/<job_id>/resume",
    headers=(PRINCIPAL,),
    answers={200: ResponseSpec("The job as it is now.", JobOut)},
    refusals=(404, 409, 503),
)
def resume_job(job_id: UUID) -> Response:
    """Let a paused job go on."""
    return json_response(job_json(amp().jobs.control.resume(job_id, principal())))


@operation(
    api,
    "post",
    "/jobs/<job_id>/cancel",
    headers=(PRINCIPAL,),
    answers={202: ResponseSpec("The job, which ends soon.", JobOut)},
    refusals=(404, 409, 503),
)
def cancel_job(job_id: UUID) -> Response:
    """Cancel a job.

    A job over assets stops; what it has done stays done. A move is undone, which is possible until searches use the new
    index: then 409. The cancellation is complete once the job's state is `cancelled`.
    """
    return json_response(job_json(amp().jobs.control.cancel(job_id, principal())), 202)
