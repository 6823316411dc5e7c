"""`amp admin buckets init`: creates the buckets for historic assets, one by one, before these are imported."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from amp.cli.admin_jobs import rate_member, rate_option, unthrottled_option
from amp.cli.client import AmpClient, ServiceError
from amp.cli.connection import service
from amp.cli.follow import follow, job_path, require_completed, wait_for_other
from amp.cli.output import console, echo, json_option, print_json
from amp.domain.times import parse_ms
from amp.settings import load_settings

_MAX_STARTS = 10_000
_INIT = "/v1/admin/buckets/init"


@click.command()
@click.option("--at", "times", multiple=True, metavar="TIME", help="Start of a bucket; repeatable.")
@click.option(
    "--every", type=click.Choice(["month", "week", "day"]), help="One bucket per period; weeks start on Monday."
)
@click.option("--from", "first", metavar="TIME", help="With --every: earliest start of a bucket.")
@click.option("--to", "last", metavar="TIME", help="With --every: latest start of a bucket.")
@rate_option
@unthrottled_option
@click.option("--dry-run", is_flag=True, help="Only print the starts of the buckets that would be opened.")
@json_option
def init(
    times: Sequence[str],
    every: str | None,
    first: str | None,
    last: str | None,
    rate: float | None,
    unthrottled: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Open buckets for historic assets, so that an import is distributed over them from the start.

    The buckets are opened one at a time, the newest first, so that existing documents move at most once. Starts of
    existing buckets are skipped. If the command is interrupted, run it again to open the rest.

    \b
    Examples:
      amp admin buckets init --at 2024-01-01 --at 2025-01-01
      amp admin buckets init --every month --from 2020-01-01 --to 2026-01-01
    """
    starts = [*times, *islice(_calendar(every, first, last), _MAX_STARTS + 1)]
    if len(starts) > _MAX_STARTS:
        raise click.UsageError(
            f"that is more than {_MAX_STARTS:,} buckets; use longer periods, or a shorter time range"
        )
    if not starts:
        raise click.UsageError("give --at, or --every with --from and --to")
    body = {"at": starts} | rate_member(rate, unthrottled)
    with service(load_settings(), create=not dry_run) as client:
        missing = client.call("POST", _INIT, body=body | {"dry_run": True}, repeatable=True)["missing"]
        if not dry_run:
            _open_all(client, body, len(missing), quiet=as_json)
    if as_json:
        print_json({"dry_run": dry_run, "opened": missing})
        return
    for start in missing if dry_run else ():
        echo(start)
    summary = f"{len(missing)} bucket{'s' * (len(missing) != 1)} {'would be ' * dry_run}opened"
    echo(summary if missing else "nothing to do: all buckets exist")


def _open_all(client: AmpClient, body: dict[str, Any], count: int, *, quiet: bool) -> None:
    """Open the missing buckets one after another.

    :raises JobFailed: a bucket could not be opened.
    """
    columns = (TextColumn("Opening buckets"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    is_hidden = quiet or not sys.stderr.isatty()
    with Progress(*columns, console=console(stderr=True), transient=True, disable=is_hidden) as progress:
        task = progress.add_task("", total=count)
        while True:
            try:
                step = client.call("POST", _INIT, body=body)
            except ServiceError as refusal:
                if refusal.status != 409:
                    raise
                wait_for_other(client, refusal, quiet=True)
                continue
            progress.update(task, completed=count - len(step["missing"]))
            if step["job"] is None:
                return
            require_completed(follow(client, client.get(job_path(step["job"])), quiet=True))


def _calendar(every: str | None, first: str | None, last: str | None) -> Iterator[str]:
    """Yield the starts of the calendar's periods from `first` to `last`, both inclusive.

    :raises click.UsageError: the options are inconsistent, or a time is invalid.
    """
    if every is None:
        if first or last:
            raise click.UsageError("--from and --to require --every")
        return
    if first is None or last is None:
        raise click.UsageError("--every requires --from and --to")
    begin, end = _parse_time("--from", first), _parse_time("--to", last)
    at: datetime | None = datetime(begin.year, begin.month, 1 if every == "month" else begin.day, tzinfo=UTC)
    while at is not None and at <= end:
        if at >= begin and (every != "week" or at.weekday() == 0):
            yield f"{at:%Y}".zfill(4) + f"{at:-%m-%dT%H:%M:%SZ}"
        at = _next_start(every, at)


def _next_start(every: str, at: datetime) -> datetime | None:
    """Return the start of the next period, or None if it is after the last representable date."""
    try:
        if every == "month":
            return at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)
        return at + timedelta(days=7 - at.weekday() if every == "week" else 1)
    except (ValueError, OverflowError):
        return None


def _parse_time(option: str, text: str) -> datetime:
    try:
        return datetime.fromtimestamp(parse_ms(text) / 1000, UTC)
    except (ValueError, OverflowError) as e:
        raise click.UsageError(f"{option}: {e}") from e
