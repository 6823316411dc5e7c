"""Validates and stores a job over assets; the extractor runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import structlog

from amp.domain.buckets import incomplete_text
from amp.domain.claims import IdempotencyKey
from amp.domain.ids import mint_at
from amp.domain.job_json import option_names, options_from_json
from amp.domain.job_parameters import AssetJobParameters
from amp.domain.jobs import AssetJob, Job, Note, NoteKind
from amp.domain.principals import Principal
from amp.domain.refills import Refill
from amp.domain.selectors import Selector
from amp.errors import Fault, Unprocessable
from amp.ports.clock import Clock
from amp.ports.job_log import JobRecords
from amp.services.jobs.asset_selection import AssetSelection
from amp.services.jobs.claims import JobClaims
from amp.services.jobs.listed_ids import ListedIds
from amp.services.jobs.processor import Processor

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRequest:
    """A request for a job over assets."""

    kind: str
    selector: Selector
    ids: Sequence[UUID] | None = None  #: the assets, if they are listed instead of selected
    parameters: Mapping[str, Any] = field(default_factory=dict)  #: options of the kind, in JSON form
    rate: float | None = None  #: assets per second; None: unlimited
    dry_run: bool = False
    sample: int | None = None  #: maximum number of assets
    max_failures: int | None = None  #: the job fails beyond this number; None: the setting
    refills: Refill | None = None  #: the part of a lost index that it restores


@dataclass(frozen=True, kw_only=True)
class JobSubmission:
    jobs: JobRecords
    listed: ListedIds
    claims: JobClaims
    asset_selection: AssetSelection
    processors: Mapping[str, Processor]
    clock: Clock

    def submit(self, request: JobRequest, principal: Principal, idempotency_key: IdempotencyKey | None = None) -> Job:
        """Validate and store the job. The extractor runs it.

        :param idempotency_key: a repeat with the same key returns the job of the first request.
        :raises Unprocessable: the request is not valid; the error names the place of each fault.
        :raises IdempotencyKeyReused: the key was used with another body.
        :raises StoreUnavailable: the outcome is unknown. With an idempotency key, submit again; without one, check
            first.
        """
        processor = self.processors.get(request.kind)
        if processor is None:
            known = ", ".join(sorted(self.processors))
            detail = f"{request.kind[:128]!r} is not a kind of job; use one of {known}"
            raise Unprocessable.at("/kind", detail)
        if request.dry_run and not processor.changes:
            detail = f"a job of kind {request.kind} changes no assets, so it has no dry run"
            raise Unprocessable.at("/dry_run", detail)
        if unknown := sorted(request.parameters.keys() - option_names(request.kind)):
            faults = [Fault(f"/parameters/{name}", f"is not a parameter of {request.kind} jobs") for name in unknown]
            raise Unprocessable(f"{faults[0].pointer}: {faults[0].detail}", faults)
        self.asset_selection.check(request.selector, principal)
        parameters = AssetJobParameters(
            selector=request.selector,
            options=options_from_json(request.kind, request.parameters),
            dry_run=request.dry_run,
            sample=request.sample,
            max_failures=request.max_failures,
            refills=request.refills,
        )
        processor.check(parameters)
        now_ms = self.clock.now_ms()
        job_id = self.claims.claim(idempotency_key, mint_at(now_ms))
        if idempotency_key is not None and (first := self.jobs.get(job_id)) is not None:
            return first
        selector = request.selector
        if request.ids is not None:
            selector = replace(
                selector, ids=self.listed.keep(job_id, list(dict.fromkeys(request.ids))[: request.sample])
            )
        about = self.asset_selection.about(selector, principal)
        if request.sample is not None:
            about = request.sample if about is None else min(about, request.sample)
        submitted = Note(now_ms, NoteKind.SUBMITTED, f"submitted by {principal.name}")
        job = AssetJob(
            id=job_id,
            kind=request.kind,
            parameters=replace(parameters, selector=selector, about=about),
            requested_by=principal.name,
            rate=request.rate,
            history=(submitted, *self._missed(selector, now_ms)),
        )
        self.jobs.add(job)
        _log.info("job recorded", action="job_recorded", job=str(job.id), kind=job.kind, by=principal.name)
        return job

    def _missed(self, selector: Selector, now_ms: int) -> list[Note]:
        names = self.asset_selection.may_miss(selector)
        text = f"assets may be missed, as {incomplete_text(names)}"
        return [Note(now_ms, NoteKind.INCOMPLETE, text)] if names else []
