"""Asks for confirmation before assets are deleted or purged, and says which and how many."""

from typing import Any

import click

from amp.cli.client import AmpClient, ServiceError, Unreachable
from amp.cli.output import echo
from amp.printable import printable


def confirm(client: AmpClient, kind: str, selector: dict[str, Any], sample: int | None = None) -> None:
    """Ask whether to run a job of this kind, and return normally if the answer is yes. To delete all assets, the answer
    is their number.

    :param sample: the maximum number of selected assets that the job processes. None: no maximum.
    :raises ClickException: the answer is no, or input ended without one.
    :raises ServiceError: the server refuses the selector.
    """
    # A purge removes deleted assets, which a search does not find.
    count = _count(client, selector) if kind == "delete" else ""
    limit = "" if sample is None else f"at most {sample:,} of "
    question = printable(f"{kind} {limit}{_describe(selector, count)}?")
    number = count.strip().replace(",", "")
    try:
        if "all" in selector and number.isdigit() and sample is None:
            confirmed = click.prompt(f"{question} To confirm, type their number", err=True, type=str).strip() == number
        else:
            confirmed = click.confirm(question, err=True)
    except click.Abort as e:
        echo("", err=True)  # ends the line of the question
        raise click.ClickException("nothing was done; use --yes to skip the question") from e
    if not confirmed:
        raise click.ClickException("nothing was done")


def _count(client: AmpClient, selector: dict[str, Any]) -> str:
    """Return the number of assets that a search finds now, followed by a space.

    Empty if the selector lists ids, or if the search does not answer.
    """
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
            page = client.get("/v1/search", q=selector["query"], size=0, total="exact")
        else:
            body: dict[str, Any] = {"size": 0, "total": "exact"}
            if conditions:
                body["query"] = {"all": conditions}
            page = client.call("POST", "/v1/search", body=body, repeatable=True)
    except Unreachable:
        return ""
    except ServiceError as e:
        if e.status < 500:
            raise
        return ""
    return f"{'at least ' if page['total_relation'] == 'gte' else ''}{page['total']:,} "


def _describe(selector: dict[str, Any], count: str) -> str:
    if "all" in selector:
        return f"all {count}assets"
    if "ids" in selector:
        return f"the {len(set(selector['ids'])):,} assets given"
    created = selector.get("created", {})
    terms = [f"{name} {value}" for name, value in selector.items() if name != "created"]
    terms += [f"created {word} {created[end]}" for end, word in (("from", "from"), ("to", "before")) if end in created]
    return f"{count}assets with " + ", ".join(terms)
