"""The order of hits as sort clauses of Elasticsearch."""

from typing import Any

from amp.domain.criteria import IndexQuery, RootField, SortBy


def sort_clauses(query: IndexQuery) -> list[dict[str, Any]]:
    """Return one clause per `SortBy`, then the tie breakers. `search_after` accepts the values that a hit returns for
    them, nulls included.
    """
    tie_order = "desc" if query.tie_descending else "asc"
    return [*map(_clause, query.sort), *({field: tie_order} for field in query.ties)]


def _clause(by: SortBy) -> dict[str, Any]:
    order = "desc" if by.descending else "asc"
    options: dict[str, Any] = {"order": order, "mode": "max" if by.descending else "min", "missing": "_last"}
    if by.root is not None:
        return {root_sort_field(by.root): options}
    options["nested"] = {"path": "metadata", "filter": {"term": {"metadata.key": by.key}}}
    return {"metadata.sort_value": options}


def root_sort_field(field: RootField) -> str:
    """Return the name of the field by which hits are sorted and facets are counted."""
    return "created_ms" if field is RootField.CREATED else field.value
