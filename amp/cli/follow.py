"""Watches a job until it ends, with a progress bar where somebody sees it."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import click
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from amp.cli.client import AmpClient, ServiceError
from amp.cli.output import console, echo
from amp.errors import AmpError
from amp.printable import printable

_EVERY_S = 0.3
_STOPPED = 130  #: the shell's exit code of Ctrl-C
#: Kinds that skip what they could not look at; what others skip is none of their business.
_LOOKS = frozenset({"check", "fix"})
_DOING = {
    None: "waiting for the bucket worker",
    "plan": "preparing",
    "dual": "copying",
    "hold": "switching",
    "switched": "cleaning up",
    "cancelled": "going back",
}


class JobFailed(AmpError):
    """The job did not come to its end."""


def follow(client: AmpClient, job: dict[str, Any], *, quiet: bool = False) -> dict[str, Any]:
    """The job once it has ended, however it did; shown on stderr meanwhile. Ctrl-C ends the watching alone.

    :raises AmpError: the service does not answer.
    """
    with _stoppable(client, job["id"]), _shown(job, quiet) as show:
        show(job)
        while not job["ended_at"]:
            time.sleep(_EVERY_S)
            job = client.get(job_path(job["id"]))
            show(job)
    return job


def report_unfinished(client: AmpClient, job_id: str) -> None:
    """Say on stderr when the job continues."""
    when = "with the next command or server on this data folder" if client.local else "without being watched"
    echo(f"job {job_id} continues {when}; amp admin jobs show {job_id} --follow", err=True)


def require_completed(job: dict[str, Any]) -> None:
    """:raises JobFailed: it ended otherwise, or did not do all that it was for; with the command that tells more."""
    counts = job["progress"].get("counts") or {}
    if job["state"] != "completed":
        command = _failures_command(job) if counts.get("failed") else f"amp admin jobs show {job['id']}"
        raise JobFailed(f"{title(job)} {job['state']}: " + (f"{job['reason']}: " if job["reason"] else "") + command)
    if found := counts.get("found"):
        raise JobFailed(f"{title(job)} completed: {found:,} differ: amp admin jobs results {job['id']}")
    if failed := counts.get("failed"):
        raise JobFailed(f"{title(job)} completed, but {failed:,} failed: {_failures_command(job)}")
    if job["kind"] in _LOOKS and (unclear := counts.get("skipped")):
        raise JobFailed(
            f"{title(job)} completed, but {unclear:,} could not be checked: they kept changing,"
            " or changes wait for a bucket that refuses writes (see amp doctor)"
        )


def _failures_command(job: dict[str, Any]) -> str:
    """The command that lists what failed; a dry run leaves no dead letters."""
    if is_dry_run(job):
        return f"amp admin jobs results {job['id']}"
    return f"amp admin dead-letters list --job {job['id']}"


def wait_for_other(client: AmpClient, refusal: ServiceError, *, quiet: bool = False) -> None:
    """Wait until the job that is in the way has ended.

    :raises ServiceError: `refusal`, if it names none.
    """
    job_id = refusal.problem.get("job")
    if job_id is None:
        raise refusal
    follow(client, client.get(job_path(job_id)), quiet=quiet)


def job_path(job_id: str) -> str:
    return f"/v1/admin/jobs/{job_id}"


def title(job: dict[str, Any]) -> str:
    bucket = job["parameters"].get("bucket")
    return f"{job['kind']}" + (f" of {bucket}" if bucket else "") + (" (dry run)" if is_dry_run(job) else "")


def doing(job: dict[str, Any]) -> str:
    """What it is busy with, in a word or two."""
    if job["state"] != "running":
        return str(job["state"])
    if job["waits_for"]:
        return "waiting for a worker: run " + " and ".join(f"`amp worker {kind}`" for kind in job["waits_for"])
    if is_over_assets(job):
        return "running"
    phase = job["progress"]["phase"]
    return _DOING.get(phase, str(phase))


def is_over_assets(job: dict[str, Any]) -> bool:
    return "selector" in job["parameters"]


def is_dry_run(job: dict[str, Any]) -> bool:
    return bool(job["dry_run"])


def how_far(progress: dict[str, Any], *, dry_run: bool = False) -> str:
    """As `1,200 of 5,000 documents, 2,000/s, 2 s left`, as far as it is known."""
    parts = []
    if progress["documents"]:
        unit = "documents" if progress.get("counts") is None else "assets"
        parts.append(f"{progress['done'] or 0:,} of {progress['documents']:,} {unit}")
    parts += counted(progress, dry_run=dry_run)
    if progress["rate"] is not None:
        parts.append(f"{progress['rate']:,.0f}/s")
    if progress["remaining_s"]:
        parts.append(f"{duration(progress['remaining_s'])} left")
    return ", ".join(parts)


def counted(progress: dict[str, Any], *, dry_run: bool = False) -> list[str]:
    """What became of the assets of a job, but for those of which nothing had to change."""
    counts = progress.get("counts") or {}
    words = {"changed": "would change"} if dry_run else {}
    return [f"{count:,} {words.get(name, name)}" for name, count in counts.items() if count and name != "done"]


def duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, whole = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole} s"


@contextlib.contextmanager
def _stoppable(client: AmpClient, job_id: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as e:
        click.echo(err=True)  # after the ^C
        report_unfinished(client, job_id)
        raise click.exceptions.Exit(_STOPPED) from e


@contextlib.contextmanager
def _shown(job: dict[str, Any], quiet: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Shows a job each time it is called."""
    if quiet:
        yield lambda _job: None
    elif sys.stderr.isatty():
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[far]}"),
            console=console(stderr=True), transient=True,
        ) as progress:  # fmt: skip
            task = progress.add_task(printable(title(job)), total=None, far="")
            yield lambda now: _show_bar(progress, task, now)
    else:
        yield _Lines().show


def _show_bar(progress: Progress, task: TaskID, job: dict[str, Any]) -> None:
    found = job["progress"]
    progress.update(
        task,
        description=printable(f"{title(job)}: {doing(job)}"),
        total=found["documents"],
        completed=found["done"] or 0,
        far=printable(how_far(found, dry_run=is_dry_run(job))),
    )


class _Lines:
    """A line for each change, where there is no terminal."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, job: dict[str, Any]) -> None:
        if doing(job) != self._last and not job["ended_at"]:
            self._last = doing(job)
            echo(f"{title(job)}: {self._last}", err=True)
