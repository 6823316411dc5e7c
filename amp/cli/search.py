"""`amp search`: accepts a query in the compact text form or in JSON, and prints a table or JSON."""

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

import click

from amp.cli.client import AmpClient
from amp.cli.connection import service
from amp.cli.output import echo, json_option, print_json, print_json_line, print_table
from amp.cli.strict_values import parse_json
from amp.domain.buckets import incomplete_text
from amp.settings import load_settings

_PAGE = 200
_METADATA_COLUMNS = 4
#: Members that a request in the compact text form may have.
_TEXT_FORM_MEMBERS = {"q", "size", "sort", "cursor", "total"}


@click.command()
@click.argument("query", default="")
@click.option("--size", type=click.IntRange(0, _PAGE), help="Maximum number of results.  [default: 20]")
@click.option("--sort", multiple=True, metavar="FIELD[:desc]", help="Sort by this field; repeatable.")
@click.option("--all", "all_", is_flag=True, help="Print all pages; with --json, one item per line.")
@click.option("--columns", metavar="FIELD,…", help="Columns of the table, for example name,metadata.codec.")
@json_option
def search(query: str, size: int | None, sort: Sequence[str], all_: bool, columns: str | None, as_json: bool) -> None:
    """Search assets of all types.

    QUERY is a query in the compact text form, a condition tree in JSON, or a whole search request in JSON. Without
    QUERY, all assets are found, newest first.

    \b
    Examples:
      amp search 'land girls'
      amp search 'type:movie imdb_rating:>=8.5 major_genre:(Drama OR Comedy)' --sort metadata.imdb_rating:desc
      amp search '{"field": "metadata.director", "eq": "Steven Spielberg"}' --json
      amp search 'NOT distributor:*' --all --json | wc -l
    """
    if all_ and size is not None:
        raise click.UsageError("--all prints all results and takes no --size")
    request = _request(query, size, sort)
    if all_:
        request["size"] = _PAGE
    with service(load_settings()) as client:
        if all_:
            items = _all(client, request)
            if as_json:
                for item in items:
                    print_json_line(item)
            else:
                print_items(list(items), columns)
            return
        answer = _page(client, request)
    _warn_of_missing(answer)
    if as_json:
        print_json(answer)
        return
    print_items(answer["items"], columns)
    count = len(answer["items"])
    more = "+" if answer["total_relation"] == "gte" else ""
    echo(f"{count} of {answer['total']:,}{more} in {answer['took_ms']} ms")


def print_items(items: Sequence[dict[str, Any]], columns: str | None = None) -> None:
    """Print items as a table. Without `columns`, its metadata columns are those that most of the items have.

    :raises UsageError: none of the items has one of the columns.
    """
    if not items:
        return
    names = _chosen(columns, items) if columns else ["type", "name", *_common_keys(items), "id"]
    print_table([name.removeprefix("metadata.") for name in names], ([_value(i, n) for n in names] for i in items))


def _request(query: str, size: int | None, sort: Sequence[str]) -> dict[str, Any]:
    request: dict[str, Any] = {"q": query}
    if query.lstrip().startswith("{"):
        try:
            value = parse_json(query)
        except ValueError as e:
            raise click.UsageError(f"the query starts with {{ but is not JSON: {e}") from e
        is_tree = value.keys() & {"field", "all", "any", "not"}
        request = {"query": value} if is_tree else value
    if size is not None:
        request["size"] = size
    if sort:
        request["sort"] = [{"field": f, "order": o or "asc"} for f, _, o in (name.partition(":") for name in sort)]
    return request


def _page(client: AmpClient, request: dict[str, Any]) -> Any:
    if not _is_text_form(request):
        return client.call("POST", "/v1/search", body=request, repeatable=True)
    sort = ",".join(f"{s['field']}:{s['order']}" for s in request.get("sort", ())) or None
    return client.get("/v1/search", **(request | {"sort": sort}))


def _is_text_form(request: dict[str, Any]) -> bool:
    """Return whether the request can be sent as text. Whatever JSON the user gave, the service checks it."""
    sorts = request.get("sort", [])
    return (
        isinstance(request.get("q"), str)
        and not request.keys() - _TEXT_FORM_MEMBERS
        and isinstance(sorts, list)
        and all(isinstance(sort, dict) and sort.keys() == {"field", "order"} for sort in sorts)
    )


def _all(client: AmpClient, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    warned = False
    while True:
        page = _page(client, request)
        warned = warned or _warn_of_missing(page)
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        request["cursor"] = page["next_cursor"]


def _warn_of_missing(page: dict[str, Any]) -> bool:
    """Print a warning to stderr if assets may be missing from the page. Return whether they may."""
    names = page.get("incomplete_buckets")  # missing in responses of earlier versions
    if names:
        echo(
            f"warning: assets may be missing, because {incomplete_text(names)}; see `amp admin buckets`",
            err=True,
        )
    return bool(names)


def _chosen(columns: str, items: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of columns. As in a query, `codec` is short for `metadata.codec`."""
    known = {name: name for item in items for name in item if name != "metadata"}
    for item in items:
        for key in item.get("metadata", {}):
            known[f"metadata.{key}"] = f"metadata.{key}"
            known.setdefault(key, f"metadata.{key}")
    chosen = []
    for name in map(str.strip, columns.split(",")):
        if name not in known:
            similar = difflib.get_close_matches(name, known, n=1)
            advice = f"; did you mean {similar[0]}?" if similar else ""
            raise click.UsageError(f"--columns {name}: none of the assets found has it{advice}")
        chosen.append(known[name])
    return chosen


def _common_keys(items: Sequence[dict[str, Any]]) -> list[str]:
    counts: dict[str, int] = {}
    for item in items:
        for key in item.get("metadata", {}):
            counts[key] = counts.get(key, 0) + 1
    common = sorted(counts, key=lambda key: -counts[key])[:_METADATA_COLUMNS]
    return [f"metadata.{key}" for key in counts if key in common]


def _value(item: dict[str, Any], name: str) -> Any:
    key = name.removeprefix("metadata.")
    return item.get("metadata", {}).get(key) if key != name else item.get(name)
