"""`amp import`: a file in, assets and a report out."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import click

from amp.cli.connection import service
from amp.cli.import_rows import ImportOptions, ImportReport, import_rows
from amp.cli.importer import ImportStopped, OnExisting
from amp.cli.output import echo, json_option, print_json, print_table
from amp.cli.rejected_rows import check_rejected, unused_name
from amp.cli.row_files import FORMATS, format_of
from amp.settings import load_settings


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--type", "type_name", required=True, metavar="NAME", help="Type of the assets.")
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), help="Of the file.  [default: by its name or beginning]"
)
@click.option("--infer", is_flag=True, help="Register the type, or add fields to it, as the rows need.")
@click.option("--name-field", metavar="COLUMN", help="Names the assets.  [default: a column called name or title]")
@click.option("--id-field", metavar="COLUMN", help="Their external id.  [default: made from the row's content]")
@click.option("--created-field", metavar="COLUMN", help="When they were created.  [default: now]")
@click.option("--project", default="default", show_default=True, help="Their project.")
@click.option(
    "--on-existing",
    type=click.Choice([choice.value for choice in OnExisting]),
    default=OnExisting.SKIP.value,
    show_default=True,
    help="What to do about external ids that are taken.",
)
@click.option(
    "--rejected",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Rows that can't be imported go here, a file that is not there yet.  [default: FILE.rejected.ndjson, or "
    "with a number if that is there]",
)
@json_option
def import_(
    file: Path, format_: str | None, on_existing: str, rejected: Path | None, as_json: bool, **options: Any
) -> None:
    """Import the rows of a FILE as assets: a JSON array, NDJSON or CSV ("-" reads standard input).

    Every row gets an external id, so importing a file twice makes no twins. Values that REST would refuse are turned
    into what the type wants where that is safe, and each such liberty is counted: numbers where text belongs, dates
    like `Jun 12 1998` or `12-Jun-98` (never `06/12/1998`, which is two dates; without an offset a time is UTC),
    objects within objects as fields `outer.inner`. Rows that still don't fit go into a file with line and reason; the
    others are imported, and the exit code is 1. Rows of one external id take effect in the order of the file.

    With --infer the type is proposed from all rows: field names made valid (`US Gross` is us_gross), columns of mixed
    kinds as strings, long prose as text.

    \b
    Examples:
      amp import movies.json --type movie --infer
      amp import clips.csv --type clip --id-field "Clip ID" --on-existing update
      zcat clips.ndjson.gz | amp import - --type clip --project archive
    """
    with _readable(file) as (path, beginning):
        if rejected is not None:
            check_rejected(rejected, file)
        order = ImportOptions(
            path=path,
            format=format_ or format_of(file.name, beginning),
            rejected_path=rejected or unused_name(_default_rejected(file)),
            on_existing=OnExisting(on_existing),
            **options,
        )
        with service(load_settings(), create=True) as client:
            outcome = import_rows(client, order, quiet=as_json)
    _report(outcome, as_json)
    if outcome.stopped is not None:
        raise ImportStopped(outcome.stopped)
    if outcome.counts.rejected:
        sys.exit(1)


def _default_rejected(file: Path) -> Path:
    """Beside the file; in the current folder for what is none, as standard input and what a shell pipes in."""
    if str(file) == "-":
        return Path("stdin.rejected.ndjson")
    return Path(f"{file if file.is_file() else file.name}.rejected.ndjson")


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[tuple[Path, bytes]]:
    """A file that can be read twice, and its beginning; standard input and pipes are put aside on disk."""
    with contextlib.ExitStack() as stack:
        try:
            if str(file) == "-" or not file.is_file():
                spool = stack.enter_context(tempfile.NamedTemporaryFile(prefix="amp-import-"))
                piped = sys.stdin.buffer if str(file) == "-" else stack.enter_context(open(file, "rb"))
                shutil.copyfileobj(piped, spool)
                spool.flush()
                file = Path(spool.name)
            opened: BinaryIO = stack.enter_context(open(file, "rb"))
            beginning = opened.read(4096)
        except OSError as e:
            raise ImportStopped(f"{file}: {os.strerror(e.errno or 0)}") from e
        yield file, beginning


def _report(outcome: ImportReport, as_json: bool) -> None:
    counts = outcome.counts
    rejected = None if outcome.rejected_path is None else str(outcome.rejected_path)
    if as_json:
        summary = {"type": outcome.type["name"], "type_version": outcome.type["version"], "columns": outcome.columns}
        print_json(
            summary
            | {"rows": outcome.rows}
            | asdict(counts)
            | {"left": outcome.left}
            | {"liberties": outcome.liberties, "rejected_file": rejected, "seconds": outcome.seconds}
        )
        return
    fields = outcome.type["fields"]
    rows = [(c, f, fields.get(f, {}).get("type", "(none)")) for c, f in outcome.columns.items()]
    print_table(("column", "field", "type"), rows, title=f"{outcome.type['name']}, version {outcome.type['version']}")
    if outcome.liberties:
        print_table(("field", "what was done to values", "count"), (tuple(x.values()) for x in outcome.liberties))
    after = ", and all after them"
    echo(
        f"{counts.created:,} created, {counts.updated:,} updated, {counts.skipped:,} skipped, "
        f"{counts.rejected:,} rejected in {outcome.seconds} s"
        + (
            (f"; {outcome.left:,} of {outcome.rows:,} rows read are left" + after * (not outcome.read_whole))
            * (outcome.stopped is not None)
        )
    )
    if rejected:
        echo(f"rejected rows, with line and reason: {rejected}")
