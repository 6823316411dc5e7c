"""Jobs in requests and answers."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from amp.api.models.values import Id, Ids, MetadataGiven, Strict, Texts, Time, TimeGiven
from amp.domain.chunks import ItemOutcome
from amp.domain.ids import parse_id
from amp.domain.jobs import JobState, NoteKind
from amp.domain.limits import MAX_FAULTS
from amp.domain.moves import Phase
from amp.domain.selectors import Selector
from amp.domain.times import parse_ms
from amp.errors import Fault, InvalidId, Unprocessable
from amp.services.jobs.submit import JobRequest

#: Items a second; a job that makes one in ten seconds would never end.
_LEAST_RATE = 0.1
MAX_IDS, _MAX_KEYS, _MOST = 400_000, 1_000, 10**12
Rate = Annotated[float, Field(ge=_LEAST_RATE, le=1e9, allow_inf_nan=False)]
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
    """When assets were created."""

    from_: TimeGiven | None = Field(None, alias="from", description="At or after.")
    to: TimeGiven | None = Field(None, description="Before.")

    @model_validator(mode="after")
    def _says_something(self) -> "CreatedIn":
        if self.from_ is None and self.to is None:
            raise ValueError("needs `from`, `to` or both")
        return self


class SelectorIn(Strict):
    """Which assets. `all`, `query` and `ids` stand alone; `created` narrows a type, a project, or all."""

    all: Literal[True] | None = Field(None, description="Every asset, deleted ones included.")
    type: str | None = Field(None, min_length=1, description="Of this type.")
    project: str | None = Field(None, min_length=1, description="Of this project.")
    created: CreatedIn | None = Field(None, description="Created in this range.")
    query: str | None = Field(
        None, min_length=1, description="Found by a search, in the text form of `GET /v1/search`; no deleted ones."
    )
    ids: Ids | None = Field(None, min_length=1, max_length=MAX_IDS, description="With these ids.")

    @model_validator(mode="after")
    def _is_one_selector(self) -> "SelectorIn":
        given = [
            name for name in ("all", "type", "project", "created", "query", "ids") if getattr(self, name) is not None
        ]
        if not given:
            raise ValueError("selects nothing: give all, type, project, created, query or ids")
        alone = [name for name in given if name in ("all", "query", "ids")]
        if alone and len(given) > 1:
            raise ValueError(f"{alone[0]} stands alone, but {', '.join(set(given) - {alone[0]})} is given as well")
        return self

    def selector(self) -> Selector:
        """:raises Unprocessable: a time in it is none."""
        created = self.created or CreatedIn.model_construct(from_=None, to=None)
        return Selector(
            type=self.type,
            project=self.project,
            from_ms=_ms(created.from_, "/selector/created/from"),
            to_ms=_ms(created.to, "/selector/created/to"),
            query=self.query,
        )

    def parsed_ids(self) -> list[UUID] | None:
        """:raises Unprocessable: with the place of each that is none."""
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
    """What a kind of job needs to know beside the assets."""

    set: MetadataGiven | None = Field(None, max_length=_MAX_KEYS, description="`update-metadata`: values by key.")
    remove: Texts | None = Field(None, max_length=_MAX_KEYS, description="`update-metadata`: keys to remove.")
    rename: dict[str, str] | None = Field(
        None, max_length=_MAX_KEYS, description="`update-metadata`: new keys by old ones."
    )
    copy_: dict[str, str] | None = Field(
        None, alias="copy", max_length=_MAX_KEYS, description="`update-metadata`: keys of copies by keys copied."
    )
    deep: bool | None = Field(
        None,
        description="`check` and `fix`: compare every document, not only those of minutes in which sums differ.",
    )
    retention_s: float | None = Field(
        None,
        ge=0,
        le=1e10,
        allow_inf_nan=False,
        description="`purge`: how many seconds an asset has to be deleted for. Left out, as AMP_PURGE_AFTER_S says.",
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
        description="Assets a second at most, fewer while live traffic waits; null: as fast as it goes, whatever waits."
        " Left out, the setting AMP_JOB_RATE.",
    )
    dry_run: bool = Field(False, description="Change nothing, but count what would change.")
    sample: int | None = Field(None, ge=1, le=_MOST, description="Only so many of the assets.")
    max_failures: int | None = Field(
        None, ge=0, le=_MOST, description="The job fails past so many. Left out, the setting AMP_JOB_MAX_FAILURES."
    )

    def order(self, usual_rate: float) -> JobRequest:
        """:raises Unprocessable: with the place of each fault."""
        return JobRequest(
            kind=self.kind,
            selector=self.selector.selector(),
            ids=self.selector.parsed_ids(),
            parameters=self.parameters.model_dump(by_alias=True, exclude_unset=True, exclude_none=True),
            rate=self.rate if "rate" in self.model_fields_set else usual_rate,
            dry_run=self.dry_run,
            sample=self.sample,
            max_failures=self.max_failures,
        )


class JobPatch(Strict):
    """What can be changed about a job while it runs."""

    rate: Rate | None = Field(description="Documents or assets a second from now on; null: as fast as it goes.")


class CountsOut(BaseModel):
    """How many assets fared how."""

    done: int = Field(description="Looked after; nothing of them had to change.")
    changed: int = Field(description="Changed, or, if nothing was to be changed yet, would change.")
    skipped: int = Field(description="Not what the job is for.")
    found: int = Field(description="Store and index differ.")
    failed: int = Field(description="Given up; they are among the dead letters, unless the job is a dry run.")
    resolved: int = Field(0, description="Had failed; replayed since, or discarded.")


assert set(ItemOutcome) == set(CountsOut.model_fields)


class ProgressOut(BaseModel):
    """How far a job is; null: not known (yet)."""

    phase: PhaseName | None = Field(description="Of a move under way.")
    documents: int | None = Field(
        description="How many there were to be copied at a move's beginning, or assets to be looked after, about."
    )
    done: int | None = Field(description="How many of them are done.")
    rate: float | None = Field(description="Documents or assets a second, of late.")
    remaining_s: float | None = Field(description="Seconds until all are done, about.")
    held_s: float | None = Field(description="For how long indexing of a moved range waited, at the switch.")
    counts: CountsOut | None = Field(
        description="What became of the assets of a job over assets. In a page of a list, past the first 20 jobs that"
        " ended early, chunks that were not settled are not counted."
    )


class NoteOut(BaseModel):
    """A line of a job's history."""

    at: Time
    kind: NoteKindName = Field(description="What the entry reports. New kinds may be added.")
    text: str = Field(description="For people to read. Its wording may change.")


class JobItem(BaseModel):
    """A job as lists show it."""

    id: Id
    kind: str
    state: State
    reason: str = Field(description="Of a failure; empty otherwise.")
    dry_run: bool = Field(description="It changes nothing; its counts say what would change.")
    parameters: dict[str, Any]
    rate: float | None = Field(
        description="Documents or assets a second that it may take up; null: as fast as it goes."
    )
    requested_by: str
    requested_at: Time
    ended_at: Time | None
    waits_for: list[str] = Field(
        description="Kinds of workers that the job needs and that do not run: start them with `amp worker KIND`."
    )
    progress: ProgressOut


class JobOut(JobItem):
    """A job with its history."""

    history: list[NoteOut]


class JobList(BaseModel):
    """One page of jobs, newest first."""

    items: list[JobItem]
    next_cursor: str | None = Field(description="Gives the next page; null on the last.")


class ResultOut(BaseModel):
    """What became of an asset in a job."""

    asset: Id
    outcome: Literal["found", "failed"]
    note: str = Field(description="What differs, or why it was given up.")


class ResultList(BaseModel):
    """One page of results. It may be empty while there is a cursor."""

    items: list[ResultOut]
    next_cursor: str | None = Field(description="Gives the next page; null on the last.")


def _ms(text: str | None, pointer: str) -> int | None:
    if text is None:
        return None
    try:
        return parse_ms(text)
    except ValueError as e:
        raise Unprocessable.at(pointer, str(e)) from e
