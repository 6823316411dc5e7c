"""Routes that start, list and control jobs, which are long-running operations."""

from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api import examples
from amp.api.admin_presenters import job_json, job_location
from amp.api.current import amp, principal
from amp.api.idempotency import idempotency_key, read_key
from amp.api.json_body import JSON, MERGE_PATCH, JsonBody
from amp.api.models.jobs import MAX_IDS, JobIn, JobList, JobOut, JobPatch, ResultList
from amp.api.operations import Operation, ResponseSpec
from amp.api.pages import next_cursor, read_position
from amp.api.parameters import CURSOR, LIMIT
from amp.api.responses import json_response
from amp.api.routes.terms import IDEMPOTENCY_KEY, LOCATION, PRINCIPAL

api = APIBlueprint("jobs", __name__, url_prefix="/v1/admin", abp_tags=[Tag(name="jobs")])
#: Minimum number of results of one page, unless it is the last. A page contains the results of whole chunks.
_RESULTS_PER_PAGE = 200


@Operation(
    api,
    "get",
    "/jobs",
    query=(LIMIT, CURSOR),
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("A page of jobs.", JobList)},
    errors=(503,),
)
def list_jobs() -> Response:
    """List jobs, newest first."""
    before, limit = read_position(str, ["jobs"]), LIMIT.read()
    statuses = amp().jobs.control.page(None if before is None else UUID(before), limit + 1, principal())
    last = str(statuses[limit - 1].job.id) if len(statuses) > limit else None
    items = [job_json(status, history=False) for status in statuses[:limit]]
    return json_response({"items": items, "next_cursor": next_cursor(last, ["jobs"])})


@Operation(
    api,
    "post",
    "/jobs",
    headers=(IDEMPOTENCY_KEY, PRINCIPAL),
    body=JsonBody(JobIn, examples.JOB, bulk=True, max_values=MAX_IDS + 5_000),
    responses={202: ResponseSpec("The job.", JobOut, (LOCATION,))},
    errors=(422, 503),
)
def start_job(body: JobIn) -> Response:
    """Start a job over some or all assets.

    The job starts only if the whole request is valid. It runs alongside live traffic, in separate processes. A repeated
    request with the same `Idempotency-Key` returns the same job in its present state.
    """
    text = read_key()
    key = (
        None if text is None else idempotency_key(text, body.model_dump(mode="json", by_alias=True, exclude_unset=True))
    )
    job = amp().jobs.submission.submit(body.job_request(amp().settings.job_rate), principal(), key)
    return json_response(job_json(amp().jobs.control.get(job.id, principal())), 202, job_location(job))


@Operation(
    api,
    "get",
    "/jobs/<job_id>",
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("The job with its history.", JobOut)},
    errors=(404, 503),
)
def get_job(job_id: UUID) -> Response:
    """Read a job with its progress and history."""
    return json_response(job_json(amp().jobs.control.get(job_id, principal())))


@Operation(
    api,
    "get",
    "/jobs/<job_id>/results",
    query=(CURSOR,),
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("A page of results.", ResultList)},
    errors=(404, 503),
)
def list_results(job_id: UUID) -> Response:
    """List the assets that failed in a job, or for which it found that store and index differ.

    The list grows while the job runs. Assets with other outcomes are only counted.
    """
    bound_to = ["job-results", str(job_id)]
    results, next_position = amp().jobs.control.results(
        job_id, read_position(int, bound_to) or 0, _RESULTS_PER_PAGE, principal()
    )
    items = [
        {"asset": str(asset_id), "outcome": result.outcome.value, "note": result.note} for asset_id, result in results
    ]
    return json_response({"items": items, "next_cursor": next_cursor(next_position, bound_to)})


@Operation(
    api,
    "patch",
    "/jobs/<job_id>",
    headers=(PRINCIPAL,),
    body=JsonBody(JobPatch, examples.JOB_PATCH, (JSON, MERGE_PATCH)),
    responses={200: ResponseSpec("The job as it is now.", JobOut)},
    errors=(404, 409, 422, 503),
)
def change_job(job_id: UUID, body: JobPatch) -> Response:
    """Change the rate of a job while it runs."""
    return json_response(job_json(amp().jobs.control.set_rate(job_id, body.rate, principal())))


@Operation(
    api,
    "post",
    "/jobs/<job_id>/pause",
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("The job as it is now.", JobOut)},
    errors=(404, 409, 503),
)
def pause_job(job_id: UUID) -> Response:
    """Pause a job until it is resumed.

    Searches and writes remain correct meanwhile. The job pauses within about a second.
    """
    return json_response(job_json(amp().jobs.control.pause(job_id, principal())))


@Operation(
    api,
    "post",
    "/jobs/<job_id>/resume",
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("The job as it is now.", JobOut)},
    errors=(404, 409, 503),
)
def resume_job(job_id: UUID) -> Response:
    """Resume a paused job."""
    return json_response(job_json(amp().jobs.control.resume(job_id, principal())))


@Operation(
    api,
    "post",
    "/jobs/<job_id>/cancel",
    headers=(PRINCIPAL,),
    responses={202: ResponseSpec("The job, which will end soon.", JobOut)},
    errors=(404, 409, 503),
)
def cancel_job(job_id: UUID) -> Response:
    """Cancel a job.

    A job over assets stops, and what it has done stays done. A move is undone. Once searches use the new index, it
    cannot be undone any more, and the response is 409. The cancellation is complete when the job's state is
    `cancelled`.
    """
    return json_response(job_json(amp().jobs.control.cancel(job_id, principal())), 202)
