"""Assets in requests and answers."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from amp.api.models.problems import Problem
from amp.api.models.values import Id, Ids, Ignored, Labels, Metadata, MetadataGiven, Strict, Time, TimeGiven
from amp.domain.assets import Asset
from amp.domain.changes import DEFAULT_PROJECT, Draft
from amp.domain.ids import parse_id
from amp.domain.times import parse_ms
from amp.errors import Fault, InvalidId, Unprocessable
from amp.services.assets.edit import NewContent


def _readable_id(text: str) -> str:
    try:
        return str(parse_id(text))
    except InvalidId as e:
        raise InvalidId(e.message, [Fault("/id", e.message)]) from e


def _readable_time(text: str) -> str:
    parse_ms(text)
    return text


IdGiven = Annotated[Id, AfterValidator(_readable_id)]
CreatedAt = Annotated[TimeGiven, AfterValidator(_readable_time)]


class AssetCreate(Strict):
    """An asset to create."""

    type: str = Field(description="The name of its type.")
    id: IdGiven | None = Field(None, description="An id it already has elsewhere: a time-UUID (version 1, 6 or 7).")
    created_at: CreatedAt | None = Field(None, description="When it was created; the id is minted at that time.")
    external_id: str | None = Field(None, description="Unique in its project.")
    project: str = DEFAULT_PROJECT
    name: str = ""
    metadata: MetadataGiven = Field(default_factory=dict)
    labels: Labels = Field(default_factory=list)

    def draft(self) -> Draft:
        return Draft(
            type=self.type,
            id=parse_id(self.id) if self.id is not None else None,
            created_ms=parse_ms(self.created_at) if self.created_at is not None else None,
            external_id=self.external_id,
            project=self.project,
            name=self.name,
            metadata=self.metadata,
            labels=self.labels,
        )


class _Update(Strict):
    """What identifies the asset must be as it is, if given; what the server keeps besides is ignored."""

    id: IdGiven | None = None
    type: str | None = None
    project: str | None = None
    external_id: str | None = None
    created_at: CreatedAt | None = None
    type_version: Ignored = None
    version: Ignored = None
    revision: Ignored = None
    state: Ignored = None
    created_by: Ignored = None
    updated_at: Ignored = None
    updated_by: Ignored = None

    def check_identity(self, asset: Asset) -> None:
        """:raises Unprocessable: a field that never changes is given another value."""
        kept = {
            "id": str(asset.id),
            "type": asset.type,
            "project": asset.project,
            "external_id": asset.external_id,
            "created_at": asset.created_ms,
        }
        given: dict[str, Any] = {name: getattr(self, name) for name in kept.keys() & self.model_fields_set}
        if self.created_at is not None:
            given["created_at"] = parse_ms(self.created_at)
        faults = [Fault(f"/{name}", "does not change after creation") for name in given if given[name] != kept[name]]
        if faults:
            raise Unprocessable(f"{faults[0].pointer} {faults[0].detail}", faults)


class AssetReplacement(_Update):
    """All of an asset's content anew: what is left out is empty."""

    name: str = ""
    metadata: MetadataGiven = Field(default_factory=dict)
    labels: Labels = Field(default_factory=list)

    def applied_to(self, before: Asset) -> NewContent:
        self.check_identity(before)
        return self.content()

    def content(self) -> NewContent:
        return NewContent(self.name, self.metadata, self.labels)

    def draft(self, project: str, external_id: str) -> Draft:
        """The asset to create where there is none.

        :raises Unprocessable: the body lacks the type, or names another identity than the path.
        """
        path = {"project": project, "external_id": external_id}
        faults = [
            Fault(f"/{name}", "is not the one in the path")
            for name in sorted(path.keys() & self.model_fields_set)
            if getattr(self, name) != path[name]
        ]
        if self.type is None:
            faults.append(Fault("/type", "is required where there is no such asset yet"))
        if faults:
            raise Unprocessable(f"{faults[0].pointer} {faults[0].detail}", faults)
        return AssetCreate(
            type=str(self.type),
            id=self.id,
            created_at=self.created_at,
            external_id=external_id,
            project=project,
            name=self.name,
            metadata=self.metadata,
            labels=self.labels,
        ).draft()


class AssetPatch(_Update):
    """A JSON Merge Patch (RFC 7396): what is left out stays, null removes."""

    name: str | None = None
    metadata: MetadataGiven | None = None
    labels: Labels | None = None

    def applied_to(self, before: Asset) -> NewContent:
        self.check_identity(before)
        given = self.model_fields_set
        metadata = dict(before.metadata)
        if "metadata" in given:
            metadata = {} if self.metadata is None else metadata | self.metadata
        return NewContent(
            name=(self.name or "") if "name" in given else before.name,
            metadata={key: value for key, value in metadata.items() if value is not None},
            labels=(self.labels or []) if "labels" in given else before.labels,
        )


class AssetIds(Strict):
    """Ids of assets to read."""

    ids: Ids = Field(max_length=1_000)

    def parsed(self) -> list[UUID]:
        """Each once, in order.

        :raises InvalidId: with the place of the one that is none.
        """
        found: dict[UUID, None] = {}
        for i, text in enumerate(self.ids):
            try:
                found[parse_id(text)] = None
            except InvalidId as e:
                raise InvalidId(e.message, [Fault(f"/ids/{i}", e.message)]) from e
        return list(found)


class AssetOut(BaseModel):
    """An asset."""

    model_config = ConfigDict(extra="forbid")

    id: Id
    external_id: str | None
    type: str
    type_version: int
    name: str
    project: str
    metadata: Metadata
    labels: Labels
    version: int = Field(description="Counts contents, from 1.")
    revision: int = Field(description="Counts every change, from 1; in quotes it is the ETag.")
    state: Literal["active", "deleted"]
    created_at: Time
    created_by: str
    updated_at: Time
    updated_by: str


class AssetItem(AssetOut):
    """An asset in a list: all of its fields, or those asked for with `fields`."""

    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema.pop("required", None),
    )


class AssetList(BaseModel):
    """One page of assets."""

    items: list[AssetItem]
    next_cursor: str | None = Field(description="Gives the next page; null on the last.")


class AssetsFound(BaseModel):
    """The assets that were found, in the order asked for, and the ids that were not."""

    items: list[AssetItem]
    missing: list[Id]
    rest: list[Id] = Field(
        description="Not read: the answer would be too large, or the store stopped answering; ask for them again."
    )


class BulkItem(BaseModel):
    """What became of one item."""

    status: int = Field(description="The status that the item alone would have been answered with.")
    id: Id | None
    revision: int | None
    problem: Problem | None


class BulkResult(BaseModel):
    """One entry for each item, in the order of the input."""

    items: list[BulkItem]
