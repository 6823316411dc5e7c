"""`amp admin backfill`, `update`, `delete` and the like: jobs over some or all assets."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from amp.cli.admin_jobs import finish, follow_option, rate_member, unthrottled_option
from amp.cli.confirm import confirm
from amp.cli.connection import service
from amp.cli.output import json_option
from amp.cli.strict_values import RATE, FiniteRange, json_or_text, pairs
from amp.settings import load_settings

_JOBS = "/v1/admin/jobs"
_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


def selecting(command: Callable[..., None], *, by_query: bool = True) -> Callable[..., None]:
    """Add the options that select assets and control the job."""
    for option in (
        json_option,
        follow_option,
        click.option(
            "--max-failures", type=int, metavar="N", help="Maximum number of failures.  [default: AMP_JOB_MAX_FAILURES]"
        ),
        click.option("--sample", type=int, metavar="N", help="Process only the first N assets."),
        unthrottled_option,
        click.option("--rate", type=RATE, metavar="ASSETS_PER_S", help="Maximum rate.  [default: AMP_JOB_RATE]"),
        click.option("--ids", type=_FILE, metavar="FILE",
                     help="Assets with the ids in FILE, one per line; - reads standard input."),
        click.option("--query", metavar="TEXT", hidden=not by_query,
                     help="Assets that match a query, in the form that `amp search` accepts."),
        click.option("--to", metavar="TIME", help="Assets created before TIME."),
        click.option("--from", "from_", metavar="TIME", help="Assets created at or after TIME."),
        click.option("--project", metavar="NAME", help="Assets of this project."),
        click.option("--type", "type_", metavar="NAME", help="Assets of this type."),
        click.option("--all", "all_", is_flag=True, help="All assets."),
    ):  # fmt: skip
        command = option(command)
    return command


def selecting_deleted(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of `selecting`, with `--query` hidden. The server refuses it: a query finds no deleted assets."""
    return selecting(command, by_query=False)


dry_run_option = click.option("--dry-run", is_flag=True, help="Change nothing; count what would change.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


@click.command()
@selecting
def backfill(**options: Any) -> None:
    """Write all documents of assets again from the store. This also rebuilds an empty index completely.

    \b
    Examples:
      amp admin backfill --all --follow
      amp admin backfill --type movie --from 2020-01-01 --to 2021-01-01 --rate 500
    """
    start_job("reindex", {}, **options)


@click.command()
@click.option(
    "--set",
    "set_",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a field. VALUE is JSON, or else text.",
)
@click.option("--remove", multiple=True, metavar="KEY", help="Remove a field.")
@click.option("--rename", multiple=True, metavar="OLD=NEW", help="Move a field's value to another field.")
@click.option("--copy", multiple=True, metavar="FROM=TO", help="Copy a field's value to another field.")
@click.option("--name", help="Set the name of every asset.")
@click.option("--label", "add_labels", multiple=True, metavar="LABEL", help="Add a label.")
@click.option("--unlabel", "remove_labels", multiple=True, metavar="LABEL", help="Remove a label.")
@dry_run_option
@selecting
def update(
    set_: tuple[str, ...],
    remove: tuple[str, ...],
    rename: tuple[str, ...],
    copy: tuple[str, ...],
    name: str | None,
    add_labels: tuple[str, ...],
    remove_labels: tuple[str, ...],
    **options: Any,
) -> None:
    """Set, remove, rename and copy metadata fields, and change names and labels. A change of fields or of the name
    makes a new version of the asset.

    \b
    Examples:
      amp admin update --type clip --set codec=hevc --dry-run --follow
      amp admin update --query 'codec:h264 width:>=1920' --rename cam=cameraId --follow
      amp admin update --project harbour --label approved --unlabel draft --follow
    """
    parameters: dict[str, Any] = {
        "set": {key: json_or_text(text) for key, text in pairs("--set", set_).items()},
        "remove": list(remove),
        "rename": pairs("--rename", rename),
        "copy": pairs("--copy", copy),
        "add_labels": list(add_labels),
        "remove_labels": list(remove_labels),
    }
    given = {member: value for member, value in parameters.items() if value}
    start_job("update-metadata", given | ({} if name is None else {"name": name}), **options)


@click.command("migrate-type")
@dry_run_option
@selecting
def migrate_type(**options: Any) -> None:
    """Migrate assets to the newest version of their type.

    \b
    Example:
      amp admin migrate-type --type clip --follow
    """
    start_job("migrate-type", {}, **options)


@click.command()
@dry_run_option
@yes_option
@selecting
def delete(**options: Any) -> None:
    """Delete assets. Until they are purged, `amp admin restore` restores them.

    \b
    Example:
      amp admin delete --query 'project:trash' --dry-run --follow
    """
    start_job("delete", {}, **options)


@click.command()
@dry_run_option
@selecting_deleted
def restore(**options: Any) -> None:
    """Restore deleted assets.

    \b
    Example:
      amp admin restore --ids ids.txt --follow
    """
    start_job("restore", {}, **options)


@click.command()
@click.option(
    "--deleted-for",
    type=FiniteRange(0, 3_650),
    metavar="DAYS",
    help="Minimum time since the deletion, in days.  [default: AMP_PURGE_AFTER_S, in seconds]",
)
@dry_run_option
@yes_option
@selecting_deleted
def purge(deleted_for: float | None, **options: Any) -> None:
    """Remove deleted assets permanently from the store and the index. This cannot be undone.

    \b
    Example:
      amp admin purge --all --deleted-for 90 --follow
    """
    start_job("purge", {} if deleted_for is None else {"retention_s": deleted_for * 86_400}, **options)


_deep_option = click.option(
    "--deep", is_flag=True, help="Compare every document, not only those of minutes whose totals differ."
)


@click.command()
@_deep_option
@selecting
def check(deep: bool, **options: Any) -> None:
    """Compare store and index: missing, stale, ghost, misplaced and malformed documents, and the lists of assets.

    The command always waits for the end of the job, even without --follow. The exit code is 0 only if there is no
    difference, and 1 also if assets changed too often to be checked.

    \b
    Examples:
      amp admin check --all
      amp admin check --type movie --from 2020-01-01 --deep --json
    """
    start_job("check", {"deep": True} if deep else {}, **options | {"follows": True})


@click.command()
@_deep_option
@dry_run_option
@selecting
def fix(deep: bool, **options: Any) -> None:
    """Repair the differences that `amp admin check` finds, and change nothing else.

    \b
    Example:
      amp admin fix --all --follow
    """
    start_job("fix", {"deep": True} if deep else {}, **options)


def start_job(
    kind: str,
    parameters: dict[str, Any],
    *,
    all_: bool,
    type_: str | None,
    project: str | None,
    from_: str | None,
    to: str | None,
    query: str | None,
    ids: Path | None,
    rate: float | None,
    unthrottled: bool,
    sample: int | None,
    max_failures: int | None,
    follows: bool,
    as_json: bool,
    dry_run: bool = False,
    yes: bool = True,
) -> None:
    """Submit the job. With `follows`, or if the service runs in this process, wait for its end.

    :raises JobFailed: the job ended without completing, or it completed with failures or differences.
    """
    created = {name: value for name, value in (("from", from_), ("to", to)) if value is not None}
    selector: dict[str, Any] = {
        "all": True if all_ else None,
        "type": type_,
        "project": project,
        "created": created or None,
        "query": query,
        "ids": None if ids is None else _ids(ids),
    }
    body: dict[str, Any] = {
        "kind": kind,
        "selector": {name: value for name, value in selector.items() if value is not None},
        "parameters": parameters,
        **rate_member(rate, unthrottled),
        **({"dry_run": True} if dry_run else {}),
        **({} if sample is None else {"sample": sample}),
        **({} if max_failures is None else {"max_failures": max_failures}),
    }
    if not body["selector"]:
        raise click.UsageError("select assets with --all, --type, --project, --from, --to, --query or --ids")
    with service(load_settings()) as client:
        if not yes and not dry_run:
            confirm(client, kind, body["selector"], sample)
        finish(client, client.call("POST", _JOBS, body=body), follows, as_json)


def _ids(path: Path) -> list[str]:
    # Bytes that are not UTF-8 are replaced. The server then refuses the id and names its position.
    content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    text = content.decode("utf-8-sig", errors="replace")
    ids = [line.strip() for line in text.splitlines() if line.strip()]
    if not ids:
        raise click.UsageError(f"{path} contains no ids")
    return ids
