"""Searches in requests and responses: the query tree, sorts and facets."""

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

#: Maximum number of arrays, objects and their members in a search.
MAX_VALUES = 20_000
_MAX_FIELDS = 1_000
_Text = Annotated[Any, WithJsonSchema({"type": "string"})]
_Scalars = Annotated[
    Any,
    WithJsonSchema({"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}}),
]
_Flag = Annotated[Any, WithJsonSchema({"type": "boolean"})]


class Condition(Strict):
    """A condition on one field. All of its operators must hold; in an array, they must hold for the same element."""

    field: str = Field(description="A root field such as `name`, or `metadata.<key>`.")
    # The service checks the operands, because it knows the field.
    eq: Scalar = Field(None, description="The value equals this (case-sensitive).")
    one_of: _Scalars = Field(None, alias="in", description="The value equals one of these (case-sensitive).")
    gt: Scalar = None
    gte: Scalar = None
    lt: Scalar = None
    lte: Scalar = None
    exists: _Flag = Field(None, description="`true`: the field has a value; `false`: it has none.")
    prefix: _Text = Field(None, description="The value starts with this (case-sensitive).")
    match: _Text = Field(None, description="The value contains all of these words, in any order.")

    def query(self, pointer: str) -> queries.Query:
        names = {"one_of": "in"}
        operators = tuple(
            (names.get(name, name), getattr(self, name)) for name in type(self).model_fields if self._has(name)
        )
        if not operators:
            detail = f"requires an operator; use one of {', '.join(OPERATORS)}"
            raise BadQuery.at(pointer, detail)
        return queries.Condition(self.field, operators, pointer)

    def _has(self, name: str) -> bool:
        return name != "field" and name in self.model_fields_set


class AllOf(Strict):
    """Matches if all parts match."""

    all: list["QueryIn"]

    def query(self, pointer: str) -> queries.Query:
        return queries.Conjunction(tuple(part.query(f"{pointer}/all/{i}") for i, part in enumerate(self.all)))


class AnyOf(Strict):
    """Matches if at least one part matches."""

    any: list["QueryIn"]

    def query(self, pointer: str) -> queries.Query:
        return queries.Disjunction(tuple(part.query(f"{pointer}/any/{i}") for i, part in enumerate(self.any)))


class Not(Strict):
    """Matches if the part does not match. Assets without the field, and assets of other types, match too."""

    part: "QueryIn" = Field(alias="not")

    def query(self, pointer: str) -> queries.Query:
        return queries.Negation(self.part.query(f"{pointer}/not"))


def _kind(value: Any) -> str:
    kind = next((name for name in ("all", "any", "not") if isinstance(value, dict) and name in value), "condition")
    return TAG + kind


QueryIn = Annotated[
    Annotated[AllOf, Tag(TAG + "all")]
    | Annotated[AnyOf, Tag(TAG + "any")]
    | Annotated[Not, Tag(TAG + "not")]
    | Annotated[Condition, Tag(TAG + "condition")],
    Discriminator(_kind),
]


class SortIn(Strict):
    field: str
    order: Literal["asc", "desc"] = "asc"


class FacetIn(Strict):
    field: str
    size: int = Field(10, description="Maximum number of values to return.")


class SearchIn(Strict):
    """A search."""

    query: QueryIn | None = None
    text: str | None = Field(None, description="Words that must all occur somewhere in the asset.")
    sort: list[SortIn] = Field(default_factory=list, description="If omitted, the newest assets come first.")
    size: Annotated[int, WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 200})] = 20
    cursor: str | None = Field(None, description="`next_cursor` of the previous page.")
    facets: dict[Annotated[str, StringConstraints(pattern=f"^{KEY.pattern}$")], FacetIn] = Field(default_factory=dict)
    versions: Literal["latest", "all"] = "latest"
    fields: Texts | None = Field(None, max_length=_MAX_FIELDS, description="The fields to return of each item.")
    total: Literal["exact"] | None = Field(None, description="`exact`: `total` is exact, however many assets match.")

    def search_query(self) -> SearchQuery:
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
    """Values with the number of assets that have them, sorted by count, then by value."""

    values: list[FacetValue]
    approximate: bool = Field(description="Whether counts may be too low.")


class SearchResult(BaseModel):
    """One page of search results."""

    total: int
    total_relation: Literal["eq", "gte"] = Field(description="`gte`: there are at least `total`.")
    items: list[AssetItem]
    next_cursor: str | None
    facets: dict[str, Facet]
    incomplete_buckets: list[str] = Field(
        description="Time buckets whose index was lost and of which not all documents are indexed again. If there are"
        " any, assets may be missing from the results, `total_relation` is `gte` and facets are approximate."
    )
    took_ms: int
