"""`amp serve`, `amp worker` and `amp migrate`: run the service, and create what it needs."""

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
    "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 selects a free one.  [default: AMP_PORT]"
)
def serve(host: str | None, port: int | None) -> None:
    """Serve the API until Ctrl-C or SIGTERM.

    In the embedded profile, this process also runs the workers, and creates at its start what is missing. In the
    cluster profile, run `amp migrate` first, and run `amp worker` as well.

    \b
    Examples:
      amp serve
      AMP_DATA_DIR=/var/lib/amp amp serve --host 0.0.0.0 --port 80
    """
    from amp.server.serve import serve as run

    options: dict[str, Any] = {"host": host, "port": port}
    settings = load_settings({name: value for name, value in options.items() if value is not None})
    try:
        run(settings)
    except DataDirLocked as e:
        raise in_use(settings, e) from e


@click.command()
@click.argument("kind")
def worker(kind: str) -> None:
    """Run workers of a KIND until Ctrl-C or SIGTERM: index, relay, bucket, extract, job, or all.

    Any number of worker processes can run. They share the work, and may be killed at any time. In the embedded profile,
    `amp serve` runs the workers.

    \b
    Examples:
      AMP_PROFILE=cluster amp worker all
      AMP_PROFILE=cluster amp worker index
    """
    from amp.worker import run_workers

    run_workers(load_settings(), [] if kind == "all" else [kind])


@click.command()
@click.option("--dry-run", is_flag=True, help="Create nothing; print what would be created.")
@json_option
def migrate(dry_run: bool, as_json: bool) -> None:
    """Create everything that the service needs: tables, topics, the index template, the first bucket.

    The command can be repeated, and can run several times at once. In the embedded profile, `amp serve` does the same
    at its start.

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
        raise DataDirLocked(f"{in_use(settings, e).message} (a server migrates its data folder when it starts)") from e
    if as_json:
        print_json({"dry_run": dry_run, "steps": lines})
        return
    for line in lines:
        echo(line)
    if not lines:
        echo("nothing to do: everything exists")
