"""Jobs in requests and responses."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, field_validator, model_validator

from amp.api.models.values import Id, Ids, MetadataIn, Strict, Texts, Time, TimeIn
from amp.domain.chunks import ItemOutcome
from amp.domain.ids import parse_id
from amp.domain.jobs import JobState, NoteKind
from amp.domain.limits import MAX_FAULTS
from amp.domain.moves import Phase
from amp.domain.selectors import Selector
from amp.domain.times import parse_ms
from amp.errors import Fault, InvalidId, Unprocessable
from amp.services.jobs.submit import JobRequest

#: In items per second. A job with a lower rate would never end.
_MIN_RATE = 0.1
MAX_IDS, _MAX_KEYS, _MAX_COUNT = 400_000, 1_000, 10**12
Rate = Annotated[float, Field(ge=_MIN_RATE, le=1e9, allow_inf_nan=False)]
State = Literal["running", "paused", "completed", "failed", "cancelled"]
PhaseName = Literal["plan", "dual", "hold", "switched", "cancelled"]
NoteKindName = Literal[
    "submitted",
    "incomplete",
    "paused",
    "resumed",
    "rate",
    "phase",
    "waiting",
    "dead-letters",
    "cancelled",
    "ended",
    "other",
]
assert NoteKindName.__args__ == tuple(NoteKind)  # type: ignore[attr-defined]  # of Literal
assert (State.__args__, PhaseName.__args__) == (tuple(JobState), tuple(Phase))  # type: ignore[attr-defined]  # of Literal


class CreatedIn(Strict):
    """The time range in which assets were created."""

    start: TimeIn | None = Field(None, alias="from", description="Start of the range, inclusive.")
    to: TimeIn | None = Field(None, description="End of the range, exclusive.")

    @model_validator(mode="after")
    def _has_a_bound(self) -> "CreatedIn":
        if self.start is None and self.to is None:
            raise ValueError("requires `from`, `to` or both")
        return self


class SelectorIn(Strict):
    """Selects the assets of a job. `all`, `query` and `ids` cannot be combined with others. `type`, `project` and
    `created` can be combined; without the first two, `created` selects from all assets.
    """

    all: Literal[True] | None = Field(None, description="All assets, including deleted ones.")
    type: str | None = Field(None, min_length=1, description="Assets of this type.")
    project: str | None = Field(None, min_length=1, max_length=1_024, description="Assets of this project.")
    created: CreatedIn | None = Field(None, description="Assets created in this time range.")
    query: str | None = Field(
        None,
        min_length=1,
        description="Assets that match this query, in the text form of `GET /v1/search`; `*` matches all. Deleted "
        "assets never match.",
    )
    ids: Ids | None = Field(None, min_length=1, max_length=MAX_IDS, description="Assets with these ids.")

    @field_validator("query")
    @classmethod
    def _is_not_blank(cls, query: str | None) -> str | None:
        if query is not None and not query.strip():
            raise ValueError("is blank; * matches all assets")
        return query

    @model_validator(mode="after")
    def _is_one_selector(self) -> "SelectorIn":
        given = [
            name for name in ("all", "type", "project", "created", "query", "ids") if getattr(self, name) is not None
        ]
        if not given:
            raise ValueError("selects nothing; use all, type, project, created, query or ids")
        exclusive = [name for name in given if name in ("all", "query", "ids")]
        if exclusive and len(given) > 1:
            others = [name for name in given if name != exclusive[0]]
            raise ValueError(f"{exclusive[0]} cannot be combined with {', '.join(others)}")
        return self

    def selector(self) -> Selector:
        """:raises Unprocessable: a time is not valid; the error has its place."""
        created = self.created or CreatedIn.model_construct(start=None, to=None)
        return Selector(
            type=self.type,
            project=self.project,
            from_ms=_ms(created.start, "/selector/created/from"),
            to_ms=_ms(created.to, "/selector/created/to"),
            query=self.query,
        )

    def parsed_ids(self) -> list[UUID] | None:
        """Return the ids; None: the selector has none.

        :raises Unprocessable: some of them are not asset ids; the error has the place of each, up to `MAX_FAULTS`.
        """
        if self.ids is None:
            return None
        ids: list[UUID] = []
        faults: list[Fault] = []
        for i, text in enumerate(self.ids):
            try:
                ids.append(parse_id(text))
            except InvalidId as e:
                faults.append(Fault(f"/selector/ids/{i}", e.message))
                if len(faults) >= MAX_FAULTS:
                    break
        if faults:
            raise Unprocessable(f"{faults[0].pointer}: {faults[0].detail}", faults)
        return ids


class ParametersIn(Strict):
    """The parameters of a job. Which are accepted depends on its kind."""

    set: MetadataIn | None = Field(None, max_length=_MAX_KEYS, description="`update-metadata`: new values by key.")
    remove: Texts | None = Field(None, max_length=_MAX_KEYS, description="`update-metadata`: keys to remove.")
    rename: dict[str, str] | None = Field(
        None, max_length=_MAX_KEYS, description="`update-metadata`: new keys by present keys."
    )
    copies: dict[str, str] | None = Field(
        None, alias="copy", max_length=_MAX_KEYS, description="`update-metadata`: keys of the copies by source keys."
    )
    name: str | None = Field(None, description="`update-metadata`: the new name of every asset.")
    add_labels: Texts | None = Field(None, max_length=_MAX_KEYS, description="`update-metadata`: labels to add.")
    remove_labels: Texts | None = Field(None, max_length=_MAX_KEYS, description="`update-metadata`: labels to remove.")
    deep: bool | None = Field(
        None,
        description="`check` and `fix`: compare every document, not only those of minutes in which the totals differ.",
    )
    retention_s: float | None = Field(
        None,
        ge=0,
        le=1e10,
        allow_inf_nan=False,
        description="`purge`: the minimum time since an asset was deleted, in seconds. If omitted, the setting "
        "AMP_PURGE_AFTER_S applies.",
    )


class JobIn(Strict):
    """A job over assets."""

    kind: str = Field(
        min_length=1,
        description="`reindex`, `update-metadata`, `migrate-type`, `delete`, `restore`, `purge`, `check`, `fix`.",
    )
    selector: SelectorIn
    parameters: ParametersIn = Field(default_factory=lambda: ParametersIn.model_validate({}))
    rate: Rate | None = Field(
        None,
        description="Maximum number of assets per second. The job is slower while live traffic waits. Null: unlimited, "
        "even while live traffic waits. If omitted, the setting AMP_JOB_RATE applies.",
    )
    dry_run: bool = Field(False, description="Change nothing, but count what would change.")
    sample: int | None = Field(None, ge=1, le=_MAX_COUNT, description="Process only this number of the assets.")
    max_failures: int | None = Field(
        None,
        ge=0,
        le=_MAX_COUNT,
        description="The job fails if more assets than this fail. If omitted, the setting AMP_JOB_MAX_FAILURES "
        "applies.",
    )

    def job_request(self, default_rate: float) -> JobRequest:
        """:raises Unprocessable: the request is not valid; the error has the place of each fault."""
        return JobRequest(
            kind=self.kind,
            selector=self.selector.selector(),
            ids=self.selector.parsed_ids(),
            parameters=self.parameters.model_dump(by_alias=True, exclude_unset=True, exclude_none=True),
            rate=self.rate if "rate" in self.model_fields_set else default_rate,
            dry_run=self.dry_run,
            sample=self.sample,
            max_failures=self.max_failures,
        )


class JobPatch(Strict):
    """The changes that can be made to a running job."""

    rate: Rate | None = Field(
        description="Maximum number of documents or assets per second from now on; null: unlimited."
    )


class CountsOut(BaseModel):
    """The number of assets by outcome."""

    done: int = Field(description="Processed; no change was needed.")
    changed: int = Field(description="Changed. In a dry run: would be changed.")
    skipped: int = Field(description="The job does not apply to the asset.")
    found: int = Field(description="Store and index differ.")
    failed: int = Field(
        description="Failed, without further attempts. The asset has a dead letter, unless the job is a dry run."
    )
    resolved: int = Field(0, description="Failed before; the dead letter was discarded, or was replayed with success.")


assert set(ItemOutcome) == set(CountsOut.model_fields)


class ProgressOut(BaseModel):
    """The progress of a job. Null members are not known (yet)."""

    phase: PhaseName | None = Field(description="The phase of a move in progress.")
    documents: int | None = Field(
        description="Number of documents to copy, counted when the move began; or approximate number of assets to "
        "process."
    )
    done: int | None = Field(description="Number of documents or assets that are done.")
    rate: float | None = Field(description="Documents or assets per second, recently.")
    remaining_s: float | None = Field(description="Approximate time until all are done, in seconds.")
    held_s: float | None = Field(
        description="How long indexing of the moved range waited at the switch of a move, in seconds."
    )
    counts: CountsOut | None = Field(
        description="The outcomes of the assets of a job over assets. A page of a list counts chunks that were not"
        " settled for the first 20 jobs that ended early, but not for further ones."
    )


class NoteOut(BaseModel):
    """An entry in a job's history."""

    at: Time
    kind: NoteKindName = Field(description="What the entry reports. New kinds may be added.")
    text: str = Field(description="For people to read. Its wording may change.")


class JobSummary(BaseModel):
    """A job in a list, without its history."""

    id: Id
    kind: str
    state: State
    reason: str = Field(description="Why the job failed; empty if it did not.")
    dry_run: bool = Field(description="Whether the job changes nothing, and counts what would change.")
    parameters: dict[str, Any]
    rate: float | None = Field(description="Maximum number of documents or assets per second; null: unlimited.")
    requested_by: str
    requested_at: Time
    ended_at: Time | None
    waits_for: list[str] = Field(
        description="Kinds of workers that the job needs and that do not run. Start them with `amp worker KIND`."
    )
    progress: ProgressOut


class JobOut(JobSummary):
    """A job with its history."""

    history: list[NoteOut]


class JobList(BaseModel):
    """One page of jobs, newest first."""

    items: list[JobSummary]
    next_cursor: str | None = Field(description="The cursor of the next page; null on the last page.")


class ResultOut(BaseModel):
    """The outcome of one asset of a job."""

    asset: Id
    outcome: Literal["found", "failed"]
    note: str = Field(description="What differs, or why the asset failed.")


class ResultList(BaseModel):
    """One page of results. It may be empty although there are further pages."""

    items: list[ResultOut]
    next_cursor: str | None = Field(description="The cursor of the next page; null on the last page.")


def _ms(text: str | None, pointer: str) -> int | None:
    if text is None:
        return None
    try:
        return parse_ms(text)
    except ValueError as e:
        raise Unprocessable.at(pointer, str(e)) from e
