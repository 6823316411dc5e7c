"""Searches in requests and answers: the query tree, sorts and facets."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, StringConstraints, Tag, WithJsonSchema

from amp.api.json_body import TAG
from amp.api.models.assets import AssetItem
from amp.api.models.values import Scalar, Strict, Texts
from amp.domain import queries
from amp.domain.queries import OPERATORS
from amp.domain.types import KEY
from amp.errors import BadQuery
from amp.services.search.search import SearchQuery

#: Arrays, objects and members of them in a search.
MAX_VALUES = 20_000
_MAX_FIELDS = 1_000
_Text = Annotated[Any, WithJsonSchema({"type": "string"})]
_Scalars = Annotated[
    Any,
    WithJsonSchema({"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}}),
]
_Flag = Annotated[Any, WithJsonSchema({"type": "boolean"})]


class Condition(Strict):
    """A condition on one field. All operators given hold together, in an array on the same element."""

    field: str = Field(description="A root field such as `name`, or `metadata.<key>`.")
    # Operands are checked by the service, which knows the field.
    eq: Scalar = Field(None, description="Equal, case minded.")
    in_: _Scalars = Field(None, alias="in", description="Equal to one of these.")
    gt: Scalar = None
    gte: Scalar = None
    lt: Scalar = None
    lte: Scalar = None
    exists: _Flag = Field(None, description="Has a value, or has none.")
    prefix: _Text = Field(None, description="Begins with, case minded.")
    match: _Text = Field(None, description="All these words occur, in any order.")

    def query(self, pointer: str) -> queries.Query:
        names = {"in_": "in"}
        operators = tuple(
            (names.get(name, name), getattr(self, name)) for name in type(self).model_fields if self._has(name)
        )
        if not operators:
            detail = f"needs an operator: {', '.join(OPERATORS)}"
            raise BadQuery.at(pointer, detail)
        return queries.Condition(self.field, operators, pointer)

    def _has(self, name: str) -> bool:
        return name != "field" and name in self.model_fields_set


class All(Strict):
    """All parts hold."""

    all: list["QueryIn"]

    def query(self, pointer: str) -> queries.Query:
        return queries.Conjunction(tuple(part.query(f"{pointer}/all/{i}") for i, part in enumerate(self.all)))


class Any_(Strict):
    """At least one part holds."""

    any: list["QueryIn"]

    def query(self, pointer: str) -> queries.Query:
        return queries.Disjunction(tuple(part.query(f"{pointer}/any/{i}") for i, part in enumerate(self.any)))


class Not(Strict):
    """The complement: assets without the field, and of other types, included."""

    not_: "QueryIn" = Field(alias="not")

    def query(self, pointer: str) -> queries.Query:
        return queries.Negation(self.not_.query(f"{pointer}/not"))


def _kind(value: Any) -> str:
    joint = next((name for name in ("all", "any", "not") if isinstance(value, dict) and name in value), "condition")
    return TAG + joint


QueryIn = Annotated[
    Annotated[All, Tag(TAG + "all")]
    | Annotated[Any_, Tag(TAG + "any")]
    | Annotated[Not, Tag(TAG + "not")]
    | Annotated[Condition, Tag(TAG + "condition")],
    Discriminator(_kind),
]


class SortIn(Strict):
    field: str
    order: Literal["asc", "desc"] = "asc"


class FacetIn(Strict):
    field: str
    size: int = Field(10, description="How many values to give at most.")


class IndexQuery(Strict):
    """A search."""

    query: QueryIn | None = None
    text: str | None = Field(None, description="Words that must all occur somewhere in the asset.")
    sort: list[SortIn] = Field(default_factory=list, description="Newest first unless given.")
    size: Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 200})] = 20
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")
    facets: dict[Annotated[str, StringConstraints(pattern=f"^{KEY.pattern}$")], FacetIn] = Field(default_factory=dict)
    versions: Literal["latest", "all"] = "latest"
    fields: Texts | None = Field(None, max_length=_MAX_FIELDS, description="What to give of each item.")
    total: Literal["exact"] | None = Field(None, description="`exact` counts to the end.")

    def order(self) -> SearchQuery:
        return SearchQuery(
            query=None if self.query is None else self.query.query("/query"),
            text=self.text,
            sort=[queries.Sort(s.field, s.order == "desc", f"/sort/{i}") for i, s in enumerate(self.sort)],
            size=self.size,
            cursor=self.cursor,
            facets=[queries.Facet(name, f.field, f.size, f"/facets/{name}") for name, f in self.facets.items()],
            all_versions=self.versions == "all",
            exact_total=self.total == "exact",
        )


class FacetValue(BaseModel):
    value: Scalar
    count: int


class Facet(BaseModel):
    """Values with the number of assets that have them: by count, then value."""

    values: list[FacetValue]
    approximate: bool = Field(description="Counts may be too low.")


class SearchResult(BaseModel):
    """One page of what was found."""

    total: int
    total_relation: Literal["eq", "gte"] = Field(description="`gte`: there are at least `total`.")
    items: list[AssetItem]
    next_cursor: str | None
    facets: dict[str, Facet]
    incomplete_buckets: list[str] = Field(
        description="Time buckets whose index was lost and of which not all documents are indexed again: assets may be"
        " missing from the answer, `total_relation` is `gte` and facets are approximate. Usually empty."
    )
    took_ms: int
