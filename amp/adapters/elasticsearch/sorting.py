"""The order of hits in Elasticsearch's terms."""

from typing import Any

from amp.domain.criteria import IndexQuery, RootField, SortBy


def sort_clauses(request: IndexQuery) -> list[dict[str, Any]]:
    """One clause per `SortBy`, then the ties. `search_after` takes back what a hit shows for them, nulls included."""
    tie_order = "desc" if request.tie_descending else "asc"
    return [*map(_clause, request.sort), *({field: tie_order} for field in request.ties)]


def _clause(by: SortBy) -> dict[str, Any]:
    order = "desc" if by.descending else "asc"
    how: dict[str, Any] = {"order": order, "mode": "max" if by.descending else "min", "missing": "_last"}
    if by.root is not None:
        return {root_sort_field(by.root): how}
    how["nested"] = {"path": "metadata", "filter": {"term": {"metadata.key": by.key}}}
    return {"metadata.sort_value": how}


def root_sort_field(field: RootField) -> str:
    return "created_ms" if field is RootField.CREATED else field.value
