"""`amp admin buckets init`: lays out buckets one by one, before historic assets are imported."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from amp.cli.admin_jobs import rate_asked, rate_option, unthrottled_option
from amp.cli.client import AmpClient, ServiceError
from amp.cli.connection import service
from amp.cli.follow import follow, job_path, require_completed, wait_for_other
from amp.cli.output import console, echo, json_option, print_json
from amp.domain.times import parse_ms
from amp.settings import load_settings

_MAX_STARTS = 10_000
_INIT = "/v1/admin/buckets/init"


@click.command()
@click.option("--at", "times", multiple=True, metavar="TIME", help="Where a bucket begins; may be given again.")
@click.option("--every", type=click.Choice(["month", "week", "day"]), help="At the start of each; weeks on Mondays.")
@click.option("--from", "first", metavar="TIME", help="With --every: none before this.")
@click.option("--to", "last", metavar="TIME", help="With --every: none after this.")
@rate_option
@unthrottled_option
@click.option("--dry-run", is_flag=True, help="Only tell where buckets would begin.")
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
    """Lay out buckets, so that historic assets spread over them from the start of an import.

    One bucket is opened at a time, the newest first, so that what is there already moves once at most. Times at which
    a bucket begins already are left alone: broken off, it goes on when it is run again.

    \b
    Examples:
      amp admin buckets init --at 2024-01-01 --at 2025-01-01
      amp admin buckets init --every month --from 2020-01-01 --to 2026-01-01
    """
    starts = [*times, *islice(_calendar(every, first, last), _MAX_STARTS + 1)]
    if len(starts) > _MAX_STARTS:
        raise click.UsageError(f"that is more than {_MAX_STARTS:,} buckets; choose longer ones, or a shorter time")
    if not starts:
        raise click.UsageError("give --at, or --every with --from and --to")
    body = {"at": starts} | rate_asked(rate, unthrottled)
    with service(load_settings(), create=not dry_run) as client:
        missing = client.call("POST", _INIT, body=body | {"dry_run": True}, repeatable=True)["missing"]
        if not dry_run:
            _open_all(client, body, len(missing), quiet=as_json)
    if as_json:
        print_json({"dry_run": dry_run, "opened": missing})
        return
    for start in missing if dry_run else ():
        echo(start)
    told = f"{len(missing)} bucket{'s' * (len(missing) != 1)} {'would be ' * dry_run}opened"
    echo(told if missing else "nothing to do: all are there")


def _open_all(client: AmpClient, body: dict[str, Any], count: int, *, quiet: bool) -> None:
    """:raises JobFailed: one could not be opened."""
    columns = (TextColumn("Opening buckets"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = quiet or not sys.stderr.isatty()
    with Progress(*columns, console=console(stderr=True), transient=True, disable=hidden) as progress:
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
    """:raises click.UsageError: the options do not go together, or a time is none."""
    if every is None:
        if first or last:
            raise click.UsageError("--from and --to belong to --every")
        return
    if first is None or last is None:
        raise click.UsageError("--every needs --from and --to")
    begin, end = _read("--from", first), _read("--to", last)
    at: datetime | None = datetime(begin.year, begin.month, 1 if every == "month" else begin.day, tzinfo=UTC)
    while at is not None and at <= end:
        if at >= begin and (every != "week" or at.weekday() == 0):
            yield f"{at:%Y}".zfill(4) + f"{at:-%m-%dT%H:%M:%SZ}"
        at = _next(every, at)


def _next(every: str, at: datetime) -> datetime | None:
    """None: the calendar ends before."""
    try:
        if every == "month":
            return at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)
        return at + timedelta(days=7 - at.weekday() if every == "week" else 1)
    except (ValueError, OverflowError):
        return None


def _read(option: str, text: str) -> datetime:
    try:
        return datetime.fromtimestamp(parse_ms(text) / 1000, UTC)
    except (ValueError, OverflowError) as e:
        raise click.UsageError(f"{option}: {e}") from e
