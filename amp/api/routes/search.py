"""Routes of search, which accept a query tree in the body or its compact text form in the URL."""

import time
from functools import partial

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from amp.api import examples
from amp.api.current import amp, principal
from amp.api.json_body import JsonBody
from amp.api.models.search import MAX_VALUES, SearchIn, SearchResult
from amp.api.operations import Operation, ResponseSpec
from amp.api.parameters import CURSOR, FIELDS, LONGS, QUERY_TEXT, SIZE, SORT, TOTAL
from amp.api.presenters import Shape, requested_shape, search_json, search_shape
from amp.api.responses import json_response
from amp.api.routes.terms import PRINCIPAL
from amp.domain.queries import Sort
from amp.errors import BadQuery, Fault
from amp.services.search.query_text import parse_query_text
from amp.services.search.search import SearchQuery

api = APIBlueprint("search", __name__, url_prefix="/v1", abp_tags=[Tag(name="search")])

_RESULT = ResponseSpec("A page of search results.", SearchResult)


@Operation(
    api,
    "post",
    "/search",
    query=(LONGS,),
    headers=(PRINCIPAL,),
    body=JsonBody(SearchIn, examples.SEARCH, error=BadQuery, max_values=MAX_VALUES),
    responses={200: _RESULT},
    errors=(503,),
)
def search(body: SearchIn) -> Response:
    """Search assets of all types by any field.

    Items are the assets as GET returned them when they were indexed, which happens about a second after a change.
    """
    return _search(body.search_query(), search_shape(body.fields))


@Operation(
    api,
    "get",
    "/search",
    query=(QUERY_TEXT, SORT, SIZE, CURSOR, FIELDS, LONGS, TOTAL),
    headers=(PRINCIPAL,),
    responses={200: _RESULT},
    errors=(503,),
)
def search_by_text() -> Response:
    """Search assets by a query in its compact text form.

    The text form has words, `field:value`, `field:>=value`, ranges, AND, OR, NOT and brackets. A space means AND.
    """
    since_s = amp().types.catalog.now_s()
    query, text = parse_query_text(QUERY_TEXT.read(), partial(amp().types.catalog.kinds, since_s=since_s))
    search_query = SearchQuery(
        query=query,
        text=text,
        sort=[_sort(name) for name in SORT.read()],
        size=SIZE.read(),
        cursor=CURSOR.read(),
        exact_total=TOTAL.read() == "exact",
        since_s=since_s,
    )
    return _search(search_query, requested_shape())


def _search(query: SearchQuery, shape: Shape) -> Response:
    began_s = time.monotonic()
    results = amp().search.assets.search(query, principal())
    return json_response(search_json(results, shape, round((time.monotonic() - began_s) * 1000)))


def _sort(text: str) -> Sort:
    field, _, order = text.partition(":")
    if order not in ("", "asc", "desc"):
        detail = f"{text[:128]!r} is not a sort; use field, field:asc or field:desc"
        raise BadQuery(f"sort: {detail}", [Fault("/sort", detail)])
    return Sort(field, order == "desc", "/sort")
