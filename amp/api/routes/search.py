"""Routes of search: the query tree in a body, or its compact text form in the URL."""

import time
from functools import partial

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api import examples
from amp.api.current import amp, principal
from amp.api.json_body import JsonBody
from amp.api.models.search import MAX_VALUES, IndexQuery, SearchResult
from amp.api.operations import ResponseSpec, operation
from amp.api.parameters import CURSOR, FIELDS, LONGS, QUERY_TEXT, SIZE, SORT, TOTAL
from amp.api.presenters import Shape, search_json, shape_asked, shape_of_search
from amp.api.responses import json_response
from amp.api.routes.terms import PRINCIPAL
from amp.domain.queries import Sort
from amp.errors import BadQuery, Fault
from amp.services.search.query_text import parse_query_text
from amp.services.search.search import SearchQuery

api = APIBlueprint("search", __name__, url_prefix="/v1", abp_tags=[Tag(name="search")])

_FOUND = ResponseSpec("What was found.", SearchResult)


@operation(
    api,
    "post",
    "/search",
    query=(LONGS,),
    headers=(PRINCIPAL,),
    body=JsonBody(IndexQuery, examples.SEARCH, refusal=BadQuery, max_values=MAX_VALUES),
    answers={200: _FOUND},
    refusals=(503,),
)
def search(body: IndexQuery) -> Response:
    """Search assets of all types by any field.

    Items are the assets as GET gave them when they were indexed, about a second after a change.
    """
    return _answer(body.order(), shape_of_search(body.fields))


@operation(
    api,
    "get",
    "/search",
    query=(QUERY_TEXT, SORT, SIZE, CURSOR, FIELDS, LONGS, TOTAL),
    headers=(PRINCIPAL,),
    answers={200: _FOUND},
    refusals=(503,),
)
def search_by_text() -> Response:
    """Search by the compact text form of a query.

    Words, `field:value`, `field:>=value`, ranges, AND, OR, NOT and brackets; a blank means AND.
    """
    since_s = amp().types.catalog.now_s()
    query, text = parse_query_text(QUERY_TEXT.read(), partial(amp().types.catalog.kinds, since_s=since_s))
    order = SearchQuery(
        query=query,
        text=text,
        sort=[_sort(name) for name in SORT.read()],
        size=SIZE.read(),
        cursor=CURSOR.read(),
        exact_total=TOTAL.read() == "exact",
        since_s=since_s,
    )
    return _answer(order, shape_asked())


def _answer(order: SearchQuery, shape: Shape) -> Response:
    began_s = time.monotonic()
    found = amp().search.assets.search(order, principal())
    return json_response(search_json(found, shape, round((time.monotonic() - began_s) * 1000)))


def _sort(text: str) -> Sort:
    field, _, order = text.partition(":")
    if order not in ("", "asc", "desc"):
        detail = f"{text[:128]!r} is not field, field:asc or field:desc"
        raise BadQuery(f"sort: {detail}", [Fault("/sort", detail)])
    return Sort(field, order == "desc", "/sort")
