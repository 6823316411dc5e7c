"""Asks before assets are deleted or purged, naming which and how many."""

from typing import Any

import click

from amp.cli.client import AmpClient, ServiceError, Unreachable
from amp.cli.output import echo
from amp.printable import printable


def confirm(client: AmpClient, kind: str, selector: dict[str, Any], sample: int | None = None) -> None:
    """:param sample: only so many of the assets are meant; None: all of them.
    :raises ClickException: the answer is no, or there is none.
    :raises ServiceError: the server refuses the selector.
    """
    # A search finds no deleted assets, which are those that a purge is about.
    count = _count(client, selector) if kind == "delete" else ""
    limit = "" if sample is None else f"at most {sample:,} of "
    try:
        sure = click.confirm(printable(f"{kind} {limit}{_described(selector, count)}?"), err=True)
    except click.Abort as e:
        echo("", err=True)  # ends the line of the question
        raise click.ClickException("nothing was done; with --yes it is not asked") from e
    if not sure:
        raise click.ClickException("nothing was done")


def _count(client: AmpClient, selector: dict[str, Any]) -> str:
    """How many assets a search finds now, and a blank; empty if no search answers."""
    if "ids" in selector:
        return ""
    created = selector.get("created", {})
    conditions: list[dict[str, Any]] = [{"field": k, "eq": v} for k, v in selector.items() if k in ("type", "project")]
    conditions += [
        {"field": "created_at", operator: created[end]} for end, operator in (("from", "gte"), ("to", "lt"))
        if end in created
    ]  # fmt: skip
    try:
        if "query" in selector:
            found = client.get("/v1/search", q=selector["query"], size=0, total="exact")
        else:
            body: dict[str, Any] = {"size": 0, "total": "exact"}
            if conditions:
                body["query"] = {"all": conditions}
            found = client.call("POST", "/v1/search", body=body, repeatable=True)
    except Unreachable:
        return ""
    except ServiceError as e:
        if e.status < 500:
            raise
        return ""
    return f"{'at least ' if found['total_relation'] == 'gte' else ''}{found['total']:,} "


def _described(selector: dict[str, Any], count: str) -> str:
    if "all" in selector:
        return f"all {count}assets"
    if "ids" in selector:
        return f"the {len(set(selector['ids'])):,} assets given"
    created = selector.get("created", {})
    shown = [f"{name} {value}" for name, value in selector.items() if name != "created"]
    shown += [f"created {word} {created[end]}" for end, word in (("from", "from"), ("to", "before")) if end in created]
    return f"{count}assets with " + ", ".join(shown)
