"""`amp admin buckets`: the map of time buckets, and what can be done to it."""

from collections.abc import Callable
from typing import Any

import click

from amp.cli.admin_jobs import finish, follow_option, rate_asked, rate_option, unthrottled_option
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
    """Show the map of time buckets; roll, split, merge and rebuild them, lay them out, reconcile them.

    A bucket is named by its start, as yyyyMMddHHmmss in UTC. Its share is that of the size at which the newest bucket
    is followed by another, or any other is split. Times are RFC 3339 with offset, or a plain date: its midnight, UTC.

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
    """The options of every move."""
    for option in (
        json_option,
        follow_option,
        click.option("--dry-run", is_flag=True, help="Only tell what would move."),
        unthrottled_option,
        rate_option,
    ):
        command = option(command)
    return command


@buckets.command()
@click.option("--at", metavar="TIME", help="When it begins, in the future.  [default: in AMP_BUCKET_ROLL_LEAD_S]")
@_moving
def roll(at: str | None, **options: Any) -> None:
    """Open the next bucket ahead of time.

    The bucket worker does it by itself when the newest has grown large.

    \b
    Examples:
      amp admin buckets roll
      amp admin buckets roll --at 2027-01-01
    """
    _move("roll", {} if at is None else {"at": at}, **options)


@buckets.command()
@_NAME
@click.option("--at", metavar="TIME", help="Where the new bucket begins.  [default: half of the documents move]")
@_moving
def split(name: str, at: str | None, **options: Any) -> None:
    """Split the bucket NAME in two, while writes and searches go on.

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
    """Merge the bucket NAME with the next one in time, which may be named to make sure.

    \b
    Example:
      amp admin buckets merge 19700101000000 20260101000000 --follow
    """
    _move(f"{path_segment(name)}/merge", {} if next_name is None else {"next": next_name}, **options)


@buckets.command()
@_NAME
@_moving
def rebuild(name: str, **options: Any) -> None:
    """Move the bucket NAME into a fresh index, made as the index template says now.

    \b
    Example:
      amp admin buckets rebuild 19700101000000 --follow
    """
    _move(f"{path_segment(name)}/rebuild", {}, **options)


@buckets.command()
@click.option("--heal", is_flag=True, help="Heal what can be healed safely.")
@json_option
def reconcile(heal: bool, as_json: bool) -> None:
    """Compare the map with the search index, and tell what disagrees.

    The bucket worker does it by itself every AMP_BUCKET_CHECK_S, and heals. The exit code is 1 if anything is left.
    """
    with service(load_settings()) as client:
        found = client.call("POST", f"{_BUCKETS}/reconcile", body={"heal": heal}, repeatable=True)
    left = [finding for finding in found["items"] if not finding["healed"]]
    if as_json:
        print_json(found)
    elif found["job"]:
        echo(f"a move is under way, nothing was looked at: amp admin jobs show {found['job']}")
    elif not found["items"]:
        echo("map and search index agree")
    else:
        rows = [(f["index"], f["problem"], "healed" if f["healed"] else "") for f in found["items"]]
        print_table(("index", "problem", ""), rows)
    if left:
        raise JobFailed(left_as_they_are(len(left), heal=heal))
    if names := found["incomplete_buckets"]:
        raise JobFailed(incomplete_text(names))


def left_as_they_are(count: int, *, heal: bool) -> str:
    if heal:
        return (
            f"{count:,} left as they are: AMP never removes an index that belongs to no bucket, nor changes an index"
            " template that is not its own; what changed during the check is healed by the next one"
        )
    return (
        f"{count:,} left as they are: `amp admin buckets reconcile --heal` heals what can be healed safely,"
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
    asked = body | rate_asked(rate, unthrottled) | ({"dry_run": True} if dry_run else {})
    with service(load_settings()) as client:
        answer = client.call("POST", f"{_BUCKETS}/{path}", body=asked, repeatable=dry_run)
        if not dry_run:
            finish(client, answer, follows, as_json)
        elif as_json:
            print_json(answer)
        else:
            _print_plan(answer)


def _print_plan(plan: dict[str, Any]) -> None:
    until = f" until {_time(plan['end'])}" if plan["end"] else " on"
    took = "" if plan["seconds"] is None else f", in about {duration(plan['seconds'])} at {plan['rate']:g}/s"
    echo(
        f"{plan['kind']} of {plan['bucket']} would move {plan['documents']:,} documents ({_size(plan['bytes'])}), "
        f"created from {_time(plan['start'])}{until}{took}"
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
