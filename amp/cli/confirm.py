"""Asks before assets are deleted or purged, naming which and how many."""

from typing import Any

import click

from amp.cli.client import AmpClient
from amp.cli.output import echo
from amp.errors import AmpError
from amp.printable import printable


def confirm(client: AmpClient, kind: str, selector: dict[str, Any]) -> None:
    """:raises ClickException: the answer is no, or there is none."""
    # A search finds no deleted assets, which are those that a purge is about.
    count = _count(client, selector) if kind == "delete" else None
    try:
        sure = click.confirm(printable(f"{kind} {_told(selector, count)}?"), err=True)
    except click.Abort as e:
        echo("", err=True)  # ends the line of the question
        raise click.ClickException("nothing was done; with --yes it is not asked") from e
    if not sure:
        raise click.ClickException("nothing was done")


def _count(client: AmpClient, selector: dict[str, Any]) -> int | None:
    """How many assets a search finds now; None: not known."""
    if "ids" in selector:
        return len(selector["ids"])
    created = selector.get("created", {})
    conditions: list[dict[str, Any]] = [{"field": k, "eq": v} for k, v in selector.items() if k in ("type", "project")]
    conditions += [
        {"field": "created_at", operator: created[end]} for end, operator in (("from", "gte"), ("to", "lt"))
        if end in created
    ]  # fmt: skip
    try:
        if "query" in selector:
            found = client.get("/v1/search", q=selector["query"], size=1, total="exact")
        else:
            body = {"query": {"all": conditions}, "size": 1, "total": "exact"} if conditions else {"total": "exact"}
            found = client.call("POST", "/v1/search", body=body, repeatable=True)
    except AmpError:
        # The job is checked as a whole when it is asked for.
        return None
    return int(found["total"])


def _told(selector: dict[str, Any], count: int | None) -> str:
    number = "" if count is None else f"{count:,} "
    if "all" in selector:
        return f"all {number}assets"
    if "ids" in selector:
        return f"the {len(selector['ids']):,} assets given"
    created = selector.get("created", {})
    shown = [f"{name} {value}" for name, value in selector.items() if name != "created"]
    shown += [f"created {word} {created[end]}" for end, word in (("from", "from"), ("to", "before")) if end in created]
    return f"{number}assets with " + ", ".join(shown)
