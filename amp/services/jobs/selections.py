"""Chooses how the assets of a job are selected: by a list of ids, a search, the lists of the store, or mismatches."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from amp.domain.job_parameters import CheckOptions
from amp.domain.jobs import AssetJob
from amp.domain.principals import Principal
from amp.domain.selectors import Selector
from amp.services.jobs.asset_selection import AssetSelection
from amp.services.jobs.listed_ids import ListedIds
from amp.services.jobs.selection import Selection, SelectionStep


@dataclass(frozen=True, kw_only=True, slots=True)
class JobSelections:
    assets: AssetSelection
    listed: ListedIds
    #: Creates the selection of mismatches of a job, by its selector and by whether to compare every asset (deep).
    mismatches: Callable[[UUID, Selector, bool], Selection]

    def of(self, job: AssetJob, *, mismatches: bool) -> Selection:
        """Return the selection of a job's assets.

        :param mismatches: whether it is enough to select the assets of time slices in which store and index differ.
        """
        selector = job.parameters.selector
        if selector.ids is not None:
            return _Listed(self.listed, job.id)
        if mismatches and selector.query is None:
            # Totals are of whole slices, so a sample is compared asset by asset.
            deep = job.parameters.options_as(CheckOptions).deep or job.parameters.sample is not None
            return self.mismatches(job.id, selector, deep)
        return _Selected(self.assets, selector, Principal(job.requested_by))


@dataclass(frozen=True, slots=True)
class _Listed:
    listed: ListedIds
    job_id: UUID

    def step(self, position: str | None, limit: int) -> SelectionStep:
        page = self.listed.page(self.job_id, position, limit)
        return SelectionStep(page.ids, position=page.position)


@dataclass(frozen=True, slots=True)
class _Selected:
    assets: AssetSelection
    selector: Selector
    principal: Principal

    def step(self, position: str | None, limit: int) -> SelectionStep:
        page = self.assets.page(self.selector, position, limit, self.principal)
        return SelectionStep(page.ids, position=page.position)
