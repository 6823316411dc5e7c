"""Records a job over assets for the extractor to run, once everything about it was found sensible."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import structlog

from amp.domain.buckets import incomplete_text
from amp.domain.claims import IdempotencyKey
from amp.domain.ids import mint_at
from amp.domain.jobs import Job, Note
from amp.domain.principals import Principal
from amp.domain.refills import Refill, refill_json
from amp.domain.selectors import Selector, selector_json
from amp.errors import Fault, Unprocessable
from amp.ports.clock import Clock
from amp.ports.job_log import JobLog
from amp.services.jobs.asset_selection import AssetSelection
from amp.services.jobs.claims import JobClaims
from amp.services.jobs.listed_ids import ListedIds
from amp.services.jobs.processor import Processor

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRequest:
    """What a caller asks for."""

    kind: str
    selector: Selector
    ids: Sequence[UUID] | None = None  #: instead of what a selector gives
    parameters: Mapping[str, Any] = field(default_factory=dict)  #: of the kind
    rate: float | None = None  #: assets a second; None: as fast as it goes
    dry_run: bool = False
    sample: int | None = None  #: only so many of the assets
    max_failures: int | None = None  #: the job fails past so many; None: as the settings say
    refills: Refill | None = None  #: what of a lost index it brings back


@dataclass(frozen=True, kw_only=True)
class JobSubmission:
    jobs: JobLog
    listed: ListedIds
    claims: JobClaims
    select: AssetSelection
    processors: Mapping[str, Processor]
    clock: Clock

    def start(self, order: JobRequest, principal: Principal, idempotency_key: IdempotencyKey | None = None) -> Job:
        """Keep the job; the extractor takes it from there.

        :param repeat_key: a repeat with the same key gets the job of the first request.

        :raises Unprocessable: it cannot be done so; with the place of each fault.
        :raises IdempotencyKeyReused: the key was used with another body.
        :raises StoreUnavailable: with a repeat key, ask again; without one, look before.
        """
        processor = self.processors.get(order.kind)
        if processor is None:
            known = ", ".join(sorted(self.processors))
            detail = f"there is no kind {order.kind[:128]!r} of job; there are {known}"
            raise Unprocessable(detail, [Fault("/kind", detail)])
        if order.dry_run and not processor.changes:
            detail = f"a job of kind {order.kind} changes no assets, so it cannot run dry"
            raise Unprocessable(detail, [Fault("/dry_run", detail)])
        if unknown := sorted(order.parameters.keys() - processor.takes):
            faults = [Fault(f"/parameters/{name}", f"means nothing to a job of kind {order.kind}") for name in unknown]
            raise Unprocessable(f"{faults[0].pointer}: {faults[0].detail}", faults)
        self.select.check(order.selector, principal)
        processor.check(order.selector, order.parameters)
        now_ms = self.clock.now_ms()
        job_id = self.claims.claim(idempotency_key, mint_at(now_ms))
        if idempotency_key is not None and (first := self.jobs.get(job_id)) is not None:
            return first
        selector = order.selector
        if order.ids is not None:
            selector = replace(selector, ids=self.listed.keep(job_id, list(dict.fromkeys(order.ids))[: order.sample]))
        about = self.select.about(selector, principal)
        if order.sample is not None:
            about = order.sample if about is None else min(about, order.sample)
        optional = {
            "sample": order.sample,
            "max_failures": order.max_failures,
            "about": about,
            "refills": None if order.refills is None else refill_json(order.refills),
        }
        job = Job(
            id=job_id,
            kind=order.kind,
            parameters={
                **order.parameters,
                "selector": selector_json(selector),
                "dry_run": order.dry_run,
                **{name: value for name, value in optional.items() if value is not None},
            },
            requested_by=principal.name,
            rate=order.rate,
            history=(Note(now_ms, f"asked for by {principal.name}"), *self._missed(selector, now_ms)),
        )
        self.jobs.add(job)
        _log.info("job recorded", action="job_recorded", job=str(job.id), kind=job.kind, by=principal.name)
        return job

    def _missed(self, selector: Selector, now_ms: int) -> list[Note]:
        names = self.select.may_miss(selector)
        return [Note(now_ms, f"assets may be missed, as {incomplete_text(names)}")] if names else []
