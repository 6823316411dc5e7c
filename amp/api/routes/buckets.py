"""Routes that list, move, lay out and reconcile time buckets."""

from bisect import bisect_right

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api import examples
from amp.api.admin_presenters import bucket_json, job_json, job_location, layout_json, plan_json
from amp.api.current import amp, principal
from amp.api.json_body import JsonBody
from amp.api.models.buckets import (
    BucketList,
    Findings,
    InitIn,
    LayoutOut,
    MergeIn,
    PlanOut,
    RebuildIn,
    ReconcileIn,
    RollIn,
    SplitIn,
)
from amp.api.models.jobs import JobOut
from amp.api.operations import Operation, ResponseSpec
from amp.api.pages import next_cursor, read_position
from amp.api.parameters import BUCKETS_LIMIT, CURSOR
from amp.api.responses import json_response
from amp.api.routes.terms import LOCATION, PRINCIPAL
from amp.domain.moves import MoveKind
from amp.services.jobs.control import JobStatus

api = APIBlueprint("buckets", __name__, url_prefix="/v1/admin", abp_tags=[Tag(name="buckets")])
_MOVE = {
    200: ResponseSpec("What would move.", PlanOut),
    202: ResponseSpec("The job that moves the documents.", JobOut, (LOCATION,)),
}


@Operation(
    api,
    "get",
    "/buckets",
    query=(BUCKETS_LIMIT, CURSOR),
    headers=(PRINCIPAL,),
    responses={200: ResponseSpec("The bucket map, or a page of it.", BucketList)},
    errors=(503,),
)
def list_buckets() -> Response:
    """List time buckets in chronological order, with their sizes and moves in progress."""
    report = amp().moves.reports.report(principal())
    after = read_position(int, ["buckets"])
    start = 0 if after is None else bisect_right([status.bucket.start_s for status in report.buckets], after)
    page = report.buckets[start : start + BUCKETS_LIMIT.read()]
    last = page[-1].bucket.start_s if page and start + len(page) < len(report.buckets) else None
    items = [bucket_json(status, report) for status in page]
    return json_response(
        {"generation": report.generation, "items": items, "next_cursor": next_cursor(last, ["buckets"])}
    )


@Operation(
    api,
    "post",
    "/buckets/roll",
    headers=(PRINCIPAL,),
    body=JsonBody(RollIn, examples.ROLL, optional=True),
    responses=_MOVE,
    errors=(409, 422, 503),
)
def roll_buckets(body: RollIn) -> Response:
    """Open the next bucket in advance.

    The bucket worker opens it automatically when the newest bucket has grown large.
    """
    name, at_s = amp().moves.layout.next_start(body.at_s(), principal())
    return _move(MoveKind.ROLL, name, at_s, body)


@Operation(
    api,
    "post",
    "/buckets/init",
    headers=(PRINCIPAL,),
    body=JsonBody(InitIn, examples.LAYOUT),
    responses={
        200: ResponseSpec("The missing buckets, if any. No job was started.", LayoutOut),
        202: ResponseSpec("The job that opens the first of the missing buckets.", LayoutOut, (LOCATION,)),
    },
    errors=(409, 422, 503),
)
def lay_out_buckets(body: InitIn) -> Response:
    """Open buckets for a time range before historic assets are imported.

    Buckets are opened one at a time, the newest first, and each request opens the next missing one. When its job has
    ended, repeat the same request, until no bucket is missing.
    """
    starts_s, service = body.starts_s(), amp().moves.layout
    if body.dry_run:
        return json_response(layout_json(service.preview(starts_s, principal())))
    layout = service.open_next(starts_s, body.rate_or(amp().settings.move_rate), principal())
    if layout.job is None:
        return json_response(layout_json(layout))
    return json_response(layout_json(layout), 202, job_location(layout.job))


@Operation(
    api,
    "post",
    "/buckets/reconcile",
    headers=(PRINCIPAL,),
    body=JsonBody(ReconcileIn, examples.RECONCILE, optional=True),
    responses={200: ResponseSpec("The differences, and which of them were repaired.", Findings)},
    errors=(422, 503),
)
def reconcile_buckets(body: ReconcileIn) -> Response:
    """Compare the bucket map with the search index.

    The bucket worker does this automatically every AMP_BUCKET_CHECK_S seconds, with repairs. While a move is in
    progress, nothing is compared, because the move changes aliases and blocks itself. The response names its job.
    """
    findings = amp().buckets.reconciliation.run(principal(), heal=body.heal)
    move = amp().moves.reports.move(principal())
    items = [{"index": f.index, "problem": f.problem, "healed": f.healed} for f in findings]
    return json_response(
        {
            "items": items,
            "incomplete_buckets": [bucket.name for bucket in amp().buckets.reconciliation.incomplete(principal())],
            "job": None if move is None else str(move.id),
        }
    )


@Operation(
    api,
    "post",
    "/buckets/<bucket_name>/split",
    headers=(PRINCIPAL,),
    body=JsonBody(SplitIn, examples.DRY_RUN, optional=True),
    responses=_MOVE,
    errors=(404, 409, 422, 503),
)
def split_bucket(bucket_name: str, body: SplitIn) -> Response:
    """Split a bucket in two while writes and searches continue."""
    return _move(MoveKind.SPLIT, bucket_name, body.at_s(), body)


@Operation(
    api,
    "post",
    "/buckets/<bucket_name>/merge",
    headers=(PRINCIPAL,),
    body=JsonBody(MergeIn, examples.DRY_RUN, optional=True),
    responses=_MOVE,
    errors=(404, 409, 422, 503),
)
def merge_bucket(bucket_name: str, body: MergeIn) -> Response:
    """Merge a bucket with the next one in time."""
    if body.next is not None:
        amp().moves.planning.require_neighbour(bucket_name, body.next, principal())
    return _move(MoveKind.MERGE, bucket_name, None, body)


@Operation(
    api,
    "post",
    "/buckets/<bucket_name>/rebuild",
    headers=(PRINCIPAL,),
    body=JsonBody(RebuildIn, examples.DRY_RUN, optional=True),
    responses=_MOVE,
    errors=(404, 409, 422, 503),
)
def rebuild_bucket(bucket_name: str, body: RebuildIn) -> Response:
    """Move a bucket to a new index, which is created from the current index template."""
    return _move(MoveKind.REBUILD, bucket_name, None, body)


def _move(kind: MoveKind, name: str, at_s: int | None, body: RebuildIn) -> Response:
    rate = body.rate_or(amp().settings.move_rate)
    if body.dry_run:
        return json_response(plan_json(amp().moves.planning.preview(kind, name, at_s, rate, principal()), rate))
    job = amp().moves.planning.start(kind, name, at_s, rate, principal())
    return json_response(job_json(JobStatus(job)), 202, job_location(job))
