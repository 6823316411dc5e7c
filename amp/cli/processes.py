"""`amp serve`, `amp worker` and `amp migrate`: the processes of the service, and what they need to exist."""

from contextlib import closing
from typing import Any

import click

from amp.cli.connection import in_use
from amp.cli.output import echo, json_option, print_json
from amp.errors import DataDirLocked, NoData
from amp.settings import load_settings


@click.command()
@click.option("--host", help="Address to listen on.  [default: AMP_HOST]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.  [default: AMP_PORT]"
)
def serve(host: str | None, port: int | None) -> None:
    """Serve the API until Ctrl-C or SIGTERM.

    On the embedded set everything runs in here, the workers too, and what must exist is made at the start. On the
    cluster set run `amp migrate` before, and `amp worker` beside.

    \b
    Examples:
      amp serve
      AMP_DATA_DIR=/var/lib/amp amp serve --host 0.0.0.0 --port 80
    """
    from amp.server.serve import serve as run

    given: dict[str, Any] = {"host": host, "port": port}
    settings = load_settings({name: value for name, value in given.items() if value is not None})
    try:
        run(settings)
    except DataDirLocked as e:
        raise in_use(settings, e) from e


@click.command()
@click.argument("kind")
def worker(kind: str) -> None:
    """Run workers of a KIND until Ctrl-C or SIGTERM: index, relay, bucket, extract, job, or all.

    Run as many as you like; they share the work, and may be killed at any time. On the embedded set `amp serve` runs
    them.

    \b
    Examples:
      AMP_PROFILE=cluster amp worker all
      AMP_PROFILE=cluster amp worker index
    """
    from amp.worker import run_workers

    run_workers(load_settings(), [] if kind == "all" else [kind])


@click.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would be made.")
@json_option
def migrate(dry_run: bool, as_json: bool) -> None:
    """Make everything that must exist: tables, topics, the index template, the first bucket.

    Safe to run twice, and twice at once. On the embedded set `amp serve` does it by itself.

    \b
    Examples:
      amp migrate --dry-run
      AMP_PROFILE=cluster amp migrate
    """
    from amp.bootstrap import build

    settings = load_settings()
    try:
        with closing(build(settings, create=not dry_run)) as amp:
            lines = amp.system.migration.pending() if dry_run else amp.system.migration.run()
    except NoData:
        lines = [f"create the data folder {settings.data_dir.resolve()} and everything in it"]
    except DataDirLocked as e:
        raise DataDirLocked(f"{in_use(settings, e).message} (a server migrates its data folder as it starts)") from e
    if as_json:
        print_json({"dry_run": dry_run, "steps": lines})
        return
    for line in lines:
        echo(line)
    if not lines:
        echo("nothing to do: everything is there")
