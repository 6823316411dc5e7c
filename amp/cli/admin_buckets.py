"""`amp admin buckets`: displays the map of time buckets, starts moves, and reconciles the map."""

from collections.abc import Callable
from typing import Any

import click

from amp.cli.admin_jobs import finish, follow_option, rate_member, rate_option, unthrottled_option
from amp.cli.admin_layout import init
from amp.cli.client import path_segment
from amp.cli.connection import service
from amp.cli.follow import JobFailed, duration, how_far
from amp.cli.output import echo, json_option, print_json, print_table
from amp.domain.buckets import incomplete_text
from amp.settings import load_settings

_NAME = click.argument("name")
_BUCKETS = "/v1/admin/buckets"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def buckets(ctx: click.Context, as_json: bool) -> None:
    """Show the map of time buckets; open, split, merge, rebuild and reconcile buckets.

    A bucket is named by its start, as yyyyMMddHHmmss in UTC. The column "share" is its size relative to the size at
    which the next bucket is opened (for the newest bucket) or the bucket is split (for any other). Times are RFC 3339
    with an offset, or a date, which means midnight UTC.

    \b
    Examples:
      amp admin buckets
      amp admin buckets split 19700101000000 --dry-run
      amp admin buckets split 19700101000000 --at 2026-01-01 --follow
      amp admin buckets init --every month --from 2020-01-01 --to 2026-01-01
    """
    if ctx.invoked_subcommand is not None:
        return
    with service(load_settings()) as client:
        items = list(client.pages(_BUCKETS))
    if as_json:
        print_json(items)
        return
    print_table(("name", "start", "end", "state", "documents", "size", "share"), map(_row, items))
    moves = {item["move"]["job"]: item["move"] for item in items if item["move"]}
    for job_id, move in moves.items():
        far = how_far(move)
        paused = ", paused" if move["state"] == "paused" else ""
        echo(f"{move['kind']}, phase {move['phase']}{paused}{f': {far}' if far else ''} (job {job_id})")


def _moving(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that all moves have."""
    for option in (
        json_option,
        follow_option,
        click.option("--dry-run", is_flag=True, help="Move nothing; print what would move."),
        unthrottled_option,
        rate_option,
    ):
        command = option(command)
    return command


@buckets.command()
@click.option("--at", metavar="TIME", help="Its start, in the future.  [default: in AMP_BUCKET_ROLL_LEAD_S]")
@_moving
def roll(at: str | None, **options: Any) -> None:
    """Open the next bucket ahead of time.

    The bucket worker opens it automatically once the newest bucket is large enough.

    \b
    Examples:
      amp admin buckets roll
      amp admin buckets roll --at 2027-01-01
    """
    _move("roll", {} if at is None else {"at": at}, **options)


@buckets.command()
@_NAME
@click.option("--at", metavar="TIME", help="Start of the new bucket.  [default: half of the documents move]")
@_moving
def split(name: str, at: str | None, **options: Any) -> None:
    """Split the bucket NAME into two, while writes and searches continue.

    \b
    Examples:
      amp admin buckets split 19700101000000 --dry-run
      amp admin buckets split 19700101000000 --at 2026-01-01T00:00:00Z --rate 1000 --follow
    """
    _move(f"{path_segment(name)}/split", {} if at is None else {"at": at}, **options)


@buckets.command()
@_NAME
@click.argument("next_name", required=False, metavar="[NEXT]")
@_moving
def merge(name: str, next_name: str | None, **options: Any) -> None:
    """Merge the bucket NAME with the next one in time. If NEXT is given, it must be the name of that bucket.

    \b
    Example:
      amp admin buckets merge 19700101000000 20260101000000 --follow
    """
    _move(f"{path_segment(name)}/merge", {} if next_name is None else {"next": next_name}, **options)


@buckets.command()
@_NAME
@_moving
def rebuild(name: str, **options: Any) -> None:
    """Move the bucket NAME to a new index with the current index template.

    \b
    Example:
      amp admin buckets rebuild 19700101000000 --follow
    """
    _move(f"{path_segment(name)}/rebuild", {}, **options)


@buckets.command()
@click.option("--heal", is_flag=True, help="Repair what can be repaired safely.")
@json_option
def reconcile(heal: bool, as_json: bool) -> None:
    """Compare the map with the search index, and report the differences.

    The bucket worker does this every AMP_BUCKET_CHECK_S, and repairs what it safely can. The exit code is 1 while any
    difference is left or any bucket is incomplete.
    """
    with service(load_settings()) as client:
        report = client.call("POST", f"{_BUCKETS}/reconcile", body={"heal": heal}, repeatable=True)
    unrepaired = [finding for finding in report["items"] if not finding["healed"]]
    if as_json:
        print_json(report)
    elif report["job"]:
        echo(f"nothing was compared, because a move is in progress: amp admin jobs show {report['job']}")
    elif not report["items"]:
        echo("no differences between the map and the search index")
    else:
        rows = [(f["index"], f["problem"], "repaired" if f["healed"] else "") for f in report["items"]]
        print_table(("index", "problem", ""), rows)
    if unrepaired:
        raise JobFailed(unrepaired_text(len(unrepaired), heal=heal))
    if names := report["incomplete_buckets"]:
        raise JobFailed(incomplete_text(names))


def unrepaired_text(count: int, *, heal: bool) -> str:
    """Return a message about differences that were not repaired, and why."""
    if heal:
        return (
            f"{count:,} not repaired: AMP never removes an index that belongs to no bucket, and never changes an index"
            " template that is not its own; differences that arose during the check are repaired by the next one"
        )
    return (
        f"{count:,} not repaired: `amp admin buckets reconcile --heal` repairs what can be repaired safely,"
        " and so does the bucket worker every AMP_BUCKET_CHECK_S"
    )


buckets.add_command(init)


def _move(
    path: str,
    body: dict[str, Any],
    *,
    rate: float | None,
    unthrottled: bool,
    dry_run: bool,
    follows: bool,
    as_json: bool,
) -> None:
    request = body | rate_member(rate, unthrottled) | ({"dry_run": True} if dry_run else {})
    with service(load_settings()) as client:
        answer = client.call("POST", f"{_BUCKETS}/{path}", body=request, repeatable=dry_run)
        if not dry_run:
            finish(client, answer, follows, as_json)
        elif as_json:
            print_json(answer)
        else:
            _print_plan(answer)


def _print_plan(plan: dict[str, Any]) -> None:
    until = f" until {_time(plan['end'])}" if plan["end"] else " on"
    expected_time = "" if plan["seconds"] is None else f", in about {duration(plan['seconds'])} at {plan['rate']:g}/s"
    echo(
        f"{plan['kind']} of {plan['bucket']} would move {plan['documents']:,} documents ({_size(plan['bytes'])}), "
        f"created from {_time(plan['start'])}{until}{expected_time}"
    )


def _row(item: dict[str, Any]) -> tuple[Any, ...]:
    return (
        item["name"],
        _time(item["start"]),
        item["end"] and _time(item["end"]),
        item["state"],
        f"{item['documents']:,}",
        _size(item["bytes"]),
        f"{item['share']:.1%}",
    )


def _time(text: str) -> str:
    return text.replace(".000Z", "Z")


def _size(count: int) -> str:
    if count < 1024:
        return f"{count} B"
    power = min(4, (count.bit_length() - 1) // 10)
    return f"{count / 1024**power:.1f} {_UNITS[power]}"
