"""Jobs as JSON: how stores keep their parameters, progress and checkpoints, and how the API shows parameters.

An unknown member is ignored, so that records of other releases can be read. A record of this release is encoded to the
text from which it was decoded, on which compare-and-set relies.
"""

import json
from collections.abc import Mapping
from dataclasses import astuple, fields
from typing import Any, NamedTuple
from uuid import UUID

from amp.domain.chunks import ItemOutcome
from amp.domain.documents import Position
from amp.domain.job_parameters import OPTIONS, AssetJobParameters, MoveParameters, NoOptions, Options
from amp.domain.jobs import (
    AssetCheckpoint,
    AssetJob,
    Checkpoint,
    Job,
    JobProgress,
    JobState,
    MoveCheckpoint,
    MoveJob,
    Note,
    UnreadableJob,
)
from amp.domain.moves import MOVE_KINDS
from amp.domain.refills import refill_from_json, refill_json
from amp.domain.selectors import selector_from_json, selector_json
from amp.domain.times import format_ms, parse_ms


class JobRow(NamedTuple):
    """A job as a store keeps it, in the order of its columns. Parameters, progress and checkpoint are JSON texts."""

    id: UUID
    kind: str
    parameters: str | bytes
    requested_by: str
    state: str
    reason: str
    ended_ms: int | None
    rate: float | None
    progress: str | bytes
    checkpoint: str | bytes


def job_from_row(row: JobRow, history: tuple[Note, ...] = ()) -> Job:
    """Return the job that a store keeps. One record that cannot be decoded must not hide the others, so it becomes an
    `UnreadableJob`.
    """
    common: dict[str, Any] = {
        "id": row.id,
        "kind": row.kind,
        "requested_by": row.requested_by,
        "reason": row.reason,
        "ended_ms": row.ended_ms,
        "rate": row.rate,
        "history": history,
    }
    # Kept for a state of a later release: nobody here works on the job, and it can be cancelled.
    state = JobState.PAUSED
    try:
        state = JobState(row.state)
        progress = _progress_from_json(json.loads(row.progress))
        if row.kind in MOVE_KINDS:
            return MoveJob(
                parameters=_move_parameters_from_json(json.loads(row.parameters)),
                checkpoint=_move_checkpoint_from_json(json.loads(row.checkpoint)),
                state=state,
                progress=progress,
                **common,
            )
        return AssetJob(
            parameters=_asset_parameters_from_json(row.kind, json.loads(row.parameters)),
            checkpoint=_asset_checkpoint_from_json(json.loads(row.checkpoint)),
            state=state,
            progress=progress,
            **common,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        return UnreadableJob(fault=f"{type(e).__name__}: {e}", state=state, progress=JobProgress(), **common)


def job_parameters_json(job: Job) -> dict[str, Any]:
    """Return the parameters of a job in JSON form; {} if they cannot be read."""
    if isinstance(job, UnreadableJob):
        return {}
    if isinstance(job, MoveJob):
        at_ms = job.parameters.at_ms
        return {"bucket": job.parameters.bucket, **({} if at_ms is None else {"at": format_ms(at_ms)})}
    return _asset_parameters_json(job.parameters)


def job_checkpoint_json(job: Job) -> dict[str, Any]:
    """Return the checkpoint of a job in JSON form; {} if it cannot be read."""
    return {} if isinstance(job, UnreadableJob) else checkpoint_json(job.checkpoint)


def _asset_parameters_json(parameters: AssetJobParameters) -> dict[str, Any]:
    optional = {
        "sample": parameters.sample,
        "max_failures": parameters.max_failures,
        "about": parameters.about,
        "refills": None if parameters.refills is None else refill_json(parameters.refills),
    }
    return {
        **_options_json(parameters.options),
        "selector": selector_json(parameters.selector),
        "dry_run": parameters.dry_run,
        **_given(optional),
    }


def progress_json(progress: JobProgress) -> dict[str, Any]:
    """Return the progress in JSON form."""
    counts = None if progress.counts is None else counts_json(progress.counts)
    return _given({**_values(progress), "counts": counts})


def checkpoint_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the checkpoint in JSON form."""
    if isinstance(checkpoint, MoveCheckpoint):
        after = None if checkpoint.after is None else astuple(checkpoint.after)
        return _given({**_values(checkpoint), "after": after, "attempts": checkpoint.attempts or None})
    if checkpoint == AssetCheckpoint():
        return {}
    return {**_values(checkpoint), "counts": counts_json(checkpoint.counts)}


def options_from_json(kind: str, data: Mapping[str, Any]) -> Options:
    """Return the options of a job of this kind. A member that is not an option is ignored."""
    cls = OPTIONS.get(kind, NoOptions)
    return cls(**{name: data[name] for name in option_names(kind) if data.get(name) is not None})


def option_names(kind: str) -> frozenset[str]:
    """Return the names of the options of a kind of job."""
    return frozenset(field.name for field in fields(OPTIONS.get(kind, NoOptions)))


def _options_json(options: Options) -> dict[str, Any]:
    defaults = _values(type(options)())
    return {name: value for name, value in _values(options).items() if value != defaults[name]}


def _asset_parameters_from_json(kind: str, data: Mapping[str, Any]) -> AssetJobParameters:
    refills = data.get("refills")
    return AssetJobParameters(
        selector=selector_from_json(data["selector"]),
        options=options_from_json(kind, data),
        dry_run=data.get("dry_run", False),
        sample=data.get("sample"),
        max_failures=data.get("max_failures"),
        about=data.get("about"),
        # Earlier releases recorded only the index.
        refills=refill_from_json(refills) if isinstance(refills, dict) else None,
    )


def _move_parameters_from_json(data: Mapping[str, Any]) -> MoveParameters:
    at = data.get("at")
    return MoveParameters(bucket=data["bucket"], at_ms=None if at is None else parse_ms(at))


def _progress_from_json(data: Mapping[str, Any]) -> JobProgress:
    counts = data.get("counts")
    return JobProgress(
        documents=data.get("documents"),
        done=data.get("done"),
        rate=data.get("rate"),
        remaining_s=data.get("remaining_s"),
        counts=None if counts is None else _counts_from_json(counts),
        held_s=data.get("held_s"),
    )


def _asset_checkpoint_from_json(data: Mapping[str, Any]) -> AssetCheckpoint:
    return AssetCheckpoint(
        settled=data.get("settled", 0),
        counts=_counts_from_json(data.get("counts", {})),
        position=data.get("position"),
        exhausted=data.get("exhausted", False),
    )


def _move_checkpoint_from_json(data: Mapping[str, Any]) -> MoveCheckpoint:
    after = data.get("after")
    return MoveCheckpoint(
        first_mark=data.get("first_mark"),
        after=None if after is None else Position(*after),
        mark=data.get("mark"),
        attempts=data.get("attempts", 0),
    )


def counts_json(counts: Mapping[ItemOutcome, int]) -> dict[str, int]:
    """Return the number of assets by outcome, in JSON form."""
    return {outcome.value: count for outcome, count in counts.items()}


def _counts_from_json(data: Mapping[str, int]) -> dict[ItemOutcome, int]:
    return {ItemOutcome(outcome): count for outcome, count in data.items()}


def _values(record: Options | JobProgress | Checkpoint) -> dict[str, Any]:
    """Return the fields of a record by name, without copying their values."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
