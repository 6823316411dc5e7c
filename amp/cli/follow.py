"""Watches a job until it ends, with a progress bar on a terminal, and describes jobs in words."""

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

_POLL_INTERVAL_S = 0.3
_INTERRUPTED_EXIT_CODE = 130  #: The exit code of shells for Ctrl-C.
#: Kinds of jobs that skip assets they could not check. Other kinds skip assets that they do not apply to.
_CHECKING_KINDS = frozenset({"check", "fix"})
_PHASE_TEXTS = {
    None: "waiting for the bucket worker",
    "plan": "preparing",
    "dual": "copying",
    "hold": "switching",
    "switched": "cleaning up",
    "cancelled": "undoing",
}


class JobFailed(AmpError):
    """A job did not complete, or assets failed, differ or were skipped; or a repair left differences."""


def follow(client: AmpClient, job: dict[str, Any], *, quiet: bool = False) -> dict[str, Any]:
    """Wait until the job has ended in any state, and return it. Its progress is displayed on stderr unless `quiet`.

    Ctrl-C ends the watching, but not the job.

    :raises AmpError: the service does not answer.
    """
    with _exit_on_interrupt(client, job["id"]), _display(job, quiet) as update:
        update(job)
        while not job["ended_at"]:
            time.sleep(_POLL_INTERVAL_S)
            job = client.get(job_path(job["id"]))
            update(job)
    return job


def report_unfinished(client: AmpClient, job_id: str) -> None:
    """Print to stderr that the job has not ended, and when it continues."""
    when = "with the next command or server on this data folder" if client.local else "without being watched"
    echo(f"job {job_id} continues {when}; amp admin jobs show {job_id} --follow", err=True)


def require_completed(job: dict[str, Any]) -> None:
    """Return normally if the job completed and did all of its work.

    :raises JobFailed: it ended in another state, or assets failed, differ or could not be checked. The message names
        the command that displays the details.
    """
    counts = job["progress"].get("counts") or {}
    if job["state"] != "completed":
        command = _failures_command(job) if counts.get("failed") else f"amp admin jobs show {job['id']}"
        raise JobFailed(f"{title(job)} {job['state']}: " + (f"{job['reason']}: " if job["reason"] else "") + command)
    if differing := counts.get("found"):
        raise JobFailed(
            f"{title(job)} completed: {_assets(differing)} differed; list them with: amp admin jobs results {job['id']}"
        )
    if failed := counts.get("failed"):
        raise JobFailed(
            f"{title(job)} completed, but {_assets(failed)} failed; list them with: {_failures_command(job)}"
        )
    if job["kind"] in _CHECKING_KINDS and (unchecked := counts.get("skipped")):
        raise JobFailed(
            f"{title(job)} completed, but {_assets(unchecked)} could not be checked: they kept changing,"
            " or changes wait for a bucket that refuses writes (see amp doctor)"
        )


def _failures_command(job: dict[str, Any]) -> str:
    """Return the command that lists the failures of a job. A dry run leaves no dead letters."""
    if is_dry_run(job):
        return f"amp admin jobs results {job['id']}"
    return f"amp admin dead-letters list --job {job['id']}"


def wait_for_other(client: AmpClient, refusal: ServiceError, *, quiet: bool = False) -> None:
    """Wait until the job because of which the server refused a request has ended.

    :raises ServiceError: `refusal` names no job; it is raised again.
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
    """Return the state of a job in words. For a running job, return its phase or what it waits for."""
    if job["state"] != "running":
        return str(job["state"])
    if job["waits_for"]:
        return "waiting for a worker: run " + " and ".join(f"`amp worker {kind}`" for kind in job["waits_for"])
    if is_over_assets(job):
        return "running"
    phase = job["progress"]["phase"]
    return _PHASE_TEXTS.get(phase, str(phase))


def is_over_assets(job: dict[str, Any]) -> bool:
    return "selector" in job["parameters"]


def is_dry_run(job: dict[str, Any]) -> bool:
    return bool(job["dry_run"])


def how_far(progress: dict[str, Any], *, dry_run: bool = False) -> str:
    """Describe progress as `1,200 of 5,000 documents, 2,000/s, 2 s left`, without the parts that are unknown."""
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


def _assets(count: int) -> str:
    return f"{count:,} asset{'' if count == 1 else 's'}"


def counted(progress: dict[str, Any], *, dry_run: bool = False) -> list[str]:
    """Return a text for the number of assets with each outcome, except for assets that needed no change."""
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
def _exit_on_interrupt(client: AmpClient, job_id: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as e:
        click.echo(err=True)  # ends the line of the ^C
        report_unfinished(client, job_id)
        raise click.exceptions.Exit(_INTERRUPTED_EXIT_CODE) from e


@contextlib.contextmanager
def _display(job: dict[str, Any], quiet: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yield a function that displays the state of the job that it is given."""
    if quiet:
        yield lambda _job: None
    elif sys.stderr.isatty():
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[far]}"),
            console=console(stderr=True), transient=True,
        ) as progress:  # fmt: skip
            task = progress.add_task(printable(title(job)), total=None, far="")
            yield lambda current: _update_bar(progress, task, current)
    else:
        yield _StateLines().update


def _update_bar(progress: Progress, task: TaskID, job: dict[str, Any]) -> None:
    state = job["progress"]
    progress.update(
        task,
        description=printable(f"{title(job)}: {doing(job)}"),
        total=state["documents"],
        completed=state["done"] or 0,
        far=printable(how_far(state, dry_run=is_dry_run(job))),
    )


class _StateLines:
    """Prints a line for each change of the state, for output that is not a terminal."""

    def __init__(self) -> None:
        self._last = ""

    def update(self, job: dict[str, Any]) -> None:
        if doing(job) != self._last and not job["ended_at"]:
            self._last = doing(job)
            echo(f"{title(job)}: {self._last}", err=True)
