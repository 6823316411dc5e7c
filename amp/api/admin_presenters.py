"""Presents buckets, moves, jobs and dead letters as JSON."""

from typing import Any

from flask import request

from amp.domain.dead_letters import DeadLetter
from amp.domain.ids import created_ms
from amp.domain.job_json import counts_json, job_parameters_json
from amp.domain.jobs import Job, JobProgress
from amp.domain.times import format_ms
from amp.services.jobs.control import JobStatus
from amp.services.moves.layout import LaidOut
from amp.services.moves.plan import MovePlan
from amp.services.moves.report import BucketReport, BucketStatus


def bucket_json(status: BucketStatus, report: BucketReport) -> dict[str, Any]:
    bucket = status.bucket
    return {
        "name": bucket.name,
        "start": _time(bucket.start_s),
        "end": _time_or_none(status.end_s),
        "index": bucket.index,
        "state": status.state.value,
        "documents": status.documents,
        "bytes": status.bytes,
        "share": round(status.share, 4),
        "move": _move_json(report) if status.moving else None,
    }


def job_json(status: JobStatus, *, history: bool = True) -> dict[str, Any]:
    job = status.job
    presented: dict[str, Any] = {
        "id": str(job.id),
        "kind": job.kind,
        "state": job.state.value,
        "reason": job.reason,
        "dry_run": job.dry_run,
        "parameters": job_parameters_json(job),
        "rate": job.rate,
        "requested_by": job.requested_by,
        "requested_at": format_ms(created_ms(job.id)),
        "ended_at": None if job.ended_ms is None else format_ms(job.ended_ms),
        "waits_for": list(status.waits_for),
        "progress": {
            "phase": status.phase,
            **_progress(status),
            "held_s": job.progress.held_s,
            "counts": None if job.progress.counts is None else counts_json(job.progress.counts),
        },
    }
    if history:
        presented["history"] = [
            {"at": format_ms(note.at_ms), "kind": note.kind.value, "text": note.text} for note in job.history
        ]
    return presented


def job_location(job: Job) -> dict[str, str]:
    """Return the `Location` header with the URL path of the job."""
    return {"Location": f"{request.script_root}/v1/admin/jobs/{job.id}"}


def dead_letter_json(dead_letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": str(dead_letter.id),
        "topic": dead_letter.topic,
        "job": dead_letter.job_id and str(dead_letter.job_id),
        "asset": dead_letter.message and str(dead_letter.message.asset_id),
        "reason": dead_letter.reason,
        "detail": dead_letter.detail,
        "attempts": dead_letter.attempts,
        "first_at": format_ms(dead_letter.first_ms),
        "last_at": format_ms(dead_letter.last_ms),
        "payload": dead_letter.payload.decode(errors="replace"),
    }


def plan_json(plan: MovePlan, rate: float | None) -> dict[str, Any]:
    return {
        "kind": plan.kind.value,
        "bucket": plan.bucket.name,
        "start": _time(plan.at_s),
        "end": _time_or_none(plan.end_s),
        "documents": plan.documents,
        "bytes": plan.bytes,
        "rate": rate,
        "seconds": None if plan.seconds is None else round(plan.seconds, 1),
    }


def layout_json(layout: LaidOut) -> dict[str, Any]:
    return {"job": layout.job and str(layout.job.id), "missing": [_time(start_s) for start_s in layout.missing]}


def _move_json(report: BucketReport) -> dict[str, Any] | None:
    move = report.move
    if move is None:
        return None
    state = report.job and report.job.job.state.value
    return {
        "job": str(move.id),
        "kind": move.kind.value,
        "phase": move.phase.value,
        "state": state,
        **_progress(report.job),
    }


def _progress(status: JobStatus | None) -> dict[str, Any]:
    progress = status.job.progress if status else JobProgress()
    return {
        "documents": progress.documents,
        "done": progress.done,
        "rate": progress.rate,
        "remaining_s": progress.remaining_s,
    }


def _time(seconds: int) -> str:
    return format_ms(seconds * 1000)


def _time_or_none(seconds: int | None) -> str | None:
    return None if seconds is None else _time(seconds)
