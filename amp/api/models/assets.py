"""Assets in requests and responses."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from amp.api.models.problems import Problem
from amp.api.models.values import Id, Ids, Ignored, Labels, Metadata, MetadataIn, Strict, Time, TimeIn
from amp.domain.assets import Asset, asset_json
from amp.domain.changes import DEFAULT_PROJECT, Draft
from amp.domain.ids import parse_id
from amp.domain.times import parse_ms
from amp.errors import Fault, InvalidId, Unprocessable
from amp.services.assets.edit import NewContent


def _check_id(text: str) -> str:
    try:
        return str(parse_id(text))
    except InvalidId as e:
        raise InvalidId(e.message, [Fault("/id", e.message)]) from e


def _check_time(text: str) -> str:
    parse_ms(text)
    return text


IdIn = Annotated[Id, AfterValidator(_check_id)]
CreatedAt = Annotated[TimeIn, AfterValidator(_check_time)]


class _AsRead(Strict):
    """Members that the server sets. Requests may have them, so that the body of a GET response can be sent back."""

    type_version: Ignored = None
    version: Ignored = None
    revision: Ignored = None
    state: Ignored = None
    created_by: Ignored = None
    updated_at: Ignored = None
    updated_by: Ignored = None


_SERVER_MEMBERS = set(_AsRead.model_fields)


class AssetCreate(_AsRead):
    """An asset to create. Members that the server sets are ignored."""

    type: str = Field(description="The name of the asset's type.")
    id: IdIn | None = Field(
        None,
        description="An id that the asset already has in another system: a time-UUID (version 1, 6 or 7). Without it, "
        "the server generates one.",
    )
    created_at: CreatedAt | None = Field(
        None, description="When the asset was created. The server generates an id of that time."
    )
    external_id: str | None = Field(None, description="A name that is unique in the project.")
    project: str = DEFAULT_PROJECT
    name: str = ""
    metadata: MetadataIn = Field(default_factory=dict)
    labels: Labels = Field(default_factory=list)

    def content(self) -> dict[str, Any]:
        """Return what the client asks for: a repeated request must have the same."""
        return self.model_dump(exclude=_SERVER_MEMBERS)

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


class _Update(_AsRead):
    """New content of an asset. Members that identify the asset must have their present values, if they are given. Other
    members that the server sets are ignored.
    """

    id: IdIn | None = None
    type: str | None = None
    project: str | None = None
    external_id: str | None = None
    created_at: CreatedAt | None = None

    def check_identity(self, asset: Asset) -> None:
        """Check that the body does not change what identifies the asset.

        :raises Unprocessable: it has another value for a member that cannot change.
        """
        present = {
            "id": str(asset.id),
            "type": asset.type,
            "project": asset.project,
            "external_id": asset.external_id,
            "created_at": asset.created_ms,
        }
        given: dict[str, Any] = {name: getattr(self, name) for name in present.keys() & self.model_fields_set}
        if self.created_at is not None:
            given["created_at"] = parse_ms(self.created_at)
        faults = [Fault(f"/{name}", "cannot change after creation") for name in given if given[name] != present[name]]
        if faults:
            raise Unprocessable(f"{faults[0].pointer} {faults[0].detail}", faults)


class AssetReplacement(_Update):
    """The complete new content of an asset. Omitted members become empty."""

    name: str = ""
    metadata: MetadataIn = Field(default_factory=dict)
    labels: Labels = Field(default_factory=list)

    def applied_to(self, before: Asset) -> NewContent:
        self.check_identity(before)
        return self.content()

    def content(self) -> NewContent:
        return NewContent(self.name, self.metadata, self.labels)

    def draft(self, project: str, external_id: str) -> Draft:
        """Return the asset to create if it does not exist yet.

        :raises Unprocessable: the body has no type, or its project or external id differs from the path.
        """
        path = {"project": project, "external_id": external_id}
        faults = [
            Fault(f"/{name}", "differs from the path")
            for name in sorted(path.keys() & self.model_fields_set)
            if getattr(self, name) != path[name]
        ]
        if self.type is None:
            faults.append(Fault("/type", "is required, because the asset does not exist yet"))
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
    """A JSON Merge Patch (RFC 7396). Omitted members do not change; null removes a value."""

    name: str | None = None
    metadata: MetadataIn | None = None
    labels: Labels | None = None

    def applied_to(self, before: Asset) -> NewContent:
        self.check_identity(before)
        self._check_server_members(before)
        given = self.model_fields_set
        metadata = dict(before.metadata)
        if "metadata" in given:
            metadata = {} if self.metadata is None else metadata | self.metadata
        return NewContent(
            name=(self.name or "") if "name" in given else before.name,
            metadata={key: value for key, value in metadata.items() if value is not None},
            labels=(self.labels or []) if "labels" in given else before.labels,
        )

    def _check_server_members(self, before: Asset) -> None:
        present = asset_json(before)
        given = sorted(_SERVER_MEMBERS & self.model_fields_set)
        faults = [Fault(f"/{name}", _SET_BY_SERVER) for name in given if getattr(self, name) != present[name]]
        if faults:
            raise Unprocessable(f"{faults[0].pointer} {faults[0].detail}", faults)


_SET_BY_SERVER = "is set by the server; a patch cannot change it"


class AssetIds(Strict):
    """The ids of assets to read."""

    ids: Ids = Field(max_length=1_000)

    def parsed(self) -> list[UUID]:
        """Return the ids in order, without repetitions.

        :raises InvalidId: one of them is not an asset id; the error has its place.
        """
        parsed: dict[UUID, None] = {}
        for i, text in enumerate(self.ids):
            try:
                parsed[parse_id(text)] = None
            except InvalidId as e:
                raise InvalidId(e.message, [Fault(f"/ids/{i}", e.message)]) from e
        return list(parsed)


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
    version: int = Field(description="Counts the versions of the content, from 1.")
    revision: int = Field(description="Counts every change, from 1. In quotes, it is the ETag.")
    state: Literal["active", "deleted"]
    created_at: Time
    created_by: str
    updated_at: Time
    updated_by: str


class AssetItem(AssetOut):
    """An asset in a list, with all of its fields, or with those that `fields` requests."""

    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema.pop("required", None),
    )


class AssetList(BaseModel):
    """One page of assets."""

    items: list[AssetItem]
    next_cursor: str | None = Field(description="The cursor of the next page; null on the last page.")


class AssetsFound(BaseModel):
    """The assets that were found, in the order of the request, and the ids that were not found."""

    items: list[AssetItem]
    missing: list[Id]
    rest: list[Id] = Field(
        description="Ids that were not read, because the response would be too large or the store stopped answering. "
        "Request them again."
    )


class BulkItem(BaseModel):
    """The outcome of one item."""

    status: int = Field(description="The HTTP status of the item, as if it had been sent alone.")
    id: Id | None
    revision: int | None
    problem: Problem | None


class BulkResult(BaseModel):
    """One entry per item, in the order of the request."""

    items: list[BulkItem]
