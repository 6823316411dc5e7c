"""`amp admin jobs`: lists, displays and controls long-running operations."""

from typing import Any

import click

from amp.cli.client import AmpClient, path_segment
from amp.cli.connection import service
from amp.cli.follow import (
    counted,
    doing,
    follow,
    how_far,
    is_dry_run,
    is_over_assets,
    job_path,
    report_unfinished,
    require_completed,
    title,
)
from amp.cli.output import echo, json_option, print_json, print_table
from amp.cli.strict_values import RATE
from amp.settings import load_settings

follow_option = click.option(
    "--follow", "follows", is_flag=True, help="Watch the job until it ends. Ctrl-C ends only the watching."
)
rate_option = click.option("--rate", type=RATE, metavar="DOCS_PER_S", help="Maximum rate.  [default: AMP_MOVE_RATE]")
unthrottled_option = click.option("--unthrottled", is_flag=True, help="No rate limit.")
_ID = click.argument("job_id", metavar="ID")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def jobs(ctx: click.Context, as_json: bool) -> None:
    """List jobs; show, pause, resume or cancel a job, or change its rate.

    \b
    Examples:
      amp admin jobs
      amp admin jobs show 01912345-6789-7abc-8def-0123456789ab --follow
      amp admin jobs rate 01912345-6789-7abc-8def-0123456789ab --unthrottled
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_, limit=20, as_json=as_json)


@jobs.command("list")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="Maximum number of jobs.")
@json_option
def list_(limit: int, as_json: bool) -> None:
    """List the newest jobs."""
    with service(load_settings()) as client:
        items = client.get("/v1/admin/jobs", limit=limit)["items"]
    if as_json:
        print_json(items)
        return
    rows = [
        (job["id"], title(job), doing(job), _progress(job), job["requested_at"], job["requested_by"]) for job in items
    ]
    print_table(("id", "job", "state", "progress", "requested", "by"), rows)


@jobs.command()
@_ID
@follow_option
@json_option
def show(job_id: str, follows: bool, as_json: bool) -> None:
    """Show the job ID with its history.

    With --follow, the exit code is 0 if the job completed, no asset failed or differs, and a check or a fix skipped
    nothing.
    """
    with service(load_settings()) as client:
        job = client.get(_path(job_id))
        if follows:
            job = follow(client, job, quiet=as_json)
        _print(client, job, as_json)
    if follows:
        require_completed(job)


@jobs.command()
@_ID
@json_option
def results(job_id: str, as_json: bool) -> None:
    """List the assets for which job ID found a difference, or which it could not process, with the reason."""
    with service(load_settings()) as client:
        items = list(client.pages(f"{_path(job_id)}/results"))
    if as_json:
        print_json(items)
        return
    print_table(("asset", "outcome", ""), [(item["asset"], item["outcome"], item["note"]) for item in items])


@jobs.command()
@_ID
@json_option
def pause(job_id: str, as_json: bool) -> None:
    """Pause the job ID until it is resumed. Searches and writes stay correct meanwhile."""
    _control(job_id, "pause", as_json)


@jobs.command()
@_ID
@json_option
def resume(job_id: str, as_json: bool) -> None:
    """Resume the paused job ID."""
    _control(job_id, "resume", as_json)


@jobs.command()
@_ID
@follow_option
@json_option
def cancel(job_id: str, follows: bool, as_json: bool) -> None:
    """Cancel the job ID.

    A job over assets stops, and what it has done stays done. A move is undone, which is possible until searches use the
    new index. With --follow, the exit code is 0 if the job ended as cancelled.
    """
    with service(load_settings()) as client:
        job = client.call("POST", f"{_path(job_id)}/cancel", repeatable=True)
        if follows or client.local:
            job = follow(client, job, quiet=as_json)
    print_job(job, as_json)
    if job["ended_at"] and job["state"] != "cancelled":
        require_completed(job)


@jobs.command()
@_ID
@click.argument("rate", type=RATE, required=False, metavar="[PER_S]")
@unthrottled_option
@json_option
def rate(job_id: str, rate: float | None, unthrottled: bool, as_json: bool) -> None:
    """Change the rate limit of the job ID while it runs: assets, or documents of a move, per second.

    \b
    Examples:
      amp admin jobs rate 01912345-6789-7abc-8def-0123456789ab 500
      amp admin jobs rate 01912345-6789-7abc-8def-0123456789ab --unthrottled
    """
    if (rate is None) is not unthrottled:
        raise click.UsageError("give either PER_S or --unthrottled")
    with service(load_settings()) as client:
        job = client.call("PATCH", _path(job_id), body={"rate": rate}, repeatable=True)
        _print(client, job, as_json)


def rate_member(rate: float | None, unthrottled: bool) -> dict[str, Any]:
    """Return the member of a request body that sets the rate, or nothing to use the default."""
    if rate is not None and unthrottled:
        raise click.UsageError("--rate and --unthrottled cannot be combined")
    return {"rate": rate} if rate is not None or unthrottled else {}


def finish(client: AmpClient, job: dict[str, Any], follows: bool, as_json: bool) -> None:
    """Print a submitted job. With `follows`, or if the service runs in this process, wait for its end first.

    :raises JobFailed: the job ended without completing, or it completed with failures or differences.
    """
    # Without a server, the job runs in this process and would stop with it.
    if follows or client.local:
        job = follow(client, job, quiet=as_json)
        if as_json:
            print_json(job)
        elif job["state"] == "completed":
            echo(f"{title(job)} completed{_summary(job)}")
        require_completed(job)
    elif as_json:
        print_json(job)
    else:
        echo(f"{title(job)} submitted: amp admin jobs show {job['id']} --follow")


def _summary(job: dict[str, Any]) -> str:
    done = job["progress"]["done"]
    if not is_over_assets(job):
        return f": {done:,} documents" if done else ""
    return ": " + ", ".join([f"{done or 0:,} assets", *counted(job["progress"], dry_run=is_dry_run(job))])


def print_job(job: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(job)
        return
    limit = (
        "no rate limit"
        if job["rate"] is None
        else f"at most {job['rate']:g} {'assets' if is_over_assets(job) else 'documents'}/s"
    )
    echo(f"{title(job)}: {doing(job)}" + (f" ({job['reason']})" if job["reason"] else ""))
    echo(f"submitted by {job['requested_by']} at {job['requested_at']}, {limit}")
    if progress := _progress(job):
        echo(progress)
    if (held_s := job["progress"]["held_s"]) is not None:
        echo(f"indexing waited for {held_s:g} s at the switch")
    print_table(("at", ""), [(note["at"], note["text"]) for note in job["history"]])


def _progress(job: dict[str, Any]) -> str:
    return how_far(job["progress"], dry_run=is_dry_run(job))


def _control(job_id: str, action: str, as_json: bool) -> None:
    with service(load_settings()) as client:
        job = client.call("POST", f"{_path(job_id)}/{action}", repeatable=True)
        _print(client, job, as_json)


def _print(client: AmpClient, job: dict[str, Any], as_json: bool) -> None:
    print_job(job, as_json)
    # The workers of this process stop with the command.
    if client.local and job["state"] == "running":
        report_unfinished(client, job["id"])


def _path(job_id: str) -> str:
    return job_path(path_segment(job_id))
