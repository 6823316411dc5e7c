"""`amp import`: imports a file of rows as assets, and prints a report."""

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
from amp.cli.importing.import_rows import ImportOptions, ImportReport, import_rows
from amp.cli.importing.importer import ImportStopped, OnExisting
from amp.cli.importing.rejected_rows import check_rejected, unused_name
from amp.cli.importing.row_files import FORMATS, format_of
from amp.cli.output import echo, json_option, print_json, print_table
from amp.settings import load_settings


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--type", "type_name", required=True, metavar="NAME", help="Type of the assets.")
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), help="Format of the file.  [default: by its name or content]"
)
@click.option("--infer", is_flag=True, help="Register the type, or add the fields that the rows need.")
@click.option("--name-field", metavar="COLUMN", help="Column of the name.  [default: name or title]")
@click.option("--id-field", metavar="COLUMN", help="Column of the external id.  [default: derived from the row]")
@click.option("--created-field", metavar="COLUMN", help="Column of the creation time.  [default: now]")
@click.option("--project", default="default", show_default=True, help="Project of the assets.")
@click.option(
    "--on-existing",
    type=click.Choice([choice.value for choice in OnExisting]),
    default=OnExisting.SKIP.value,
    show_default=True,
    help="What to do with rows whose external id exists.",
)
@click.option(
    "--rejected",
    type=click.Path(dir_okay=False, path_type=Path),
    help="New file for rows that cannot be imported.  [default: FILE.rejected.ndjson, or with a number if that exists]",
)
@json_option
def import_(
    file: Path, format_: str | None, on_existing: str, rejected: Path | None, as_json: bool, **options: Any
) -> None:
    """Import the rows of a FILE as assets: a JSON array, NDJSON or CSV ("-" reads standard input).

    Every row gets an external id, so importing an unchanged file again creates no duplicates. Values that REST would
    refuse are adjusted to the type where that is safe, and each adjustment is counted: numbers become text, dates like
    `Jun 12 1998` or `12-Jun-98` become RFC 3339 (but not `06/12/1998`, which is ambiguous; a time without an offset is
    UTC), and nested objects become fields `outer.inner`. Rows that still do not fit are written to a file with their
    line and the reason; the others are imported, and the exit code is 1. Rows with the same external id take effect in
    the order of the file.

    With --infer, the type is inferred from all rows: column names become valid field names (`US Gross` becomes
    us_gross), columns of mixed kinds become strings, and long texts become text.

    \b
    Examples:
      amp import movies.json --type movie --infer
      amp import clips.csv --type clip --id-field "Clip ID" --on-existing update
      zcat clips.ndjson.gz | amp import - --type clip --project archive
    """
    with _readable(file) as (path, beginning):
        if rejected is not None:
            check_rejected(rejected, file)
        import_options = ImportOptions(
            path=path,
            format=format_ or format_of(file.name, beginning),
            rejected_path=rejected or unused_name(_default_rejected(file)),
            on_existing=OnExisting(on_existing),
            **options,
        )
        with service(load_settings(), create=True) as client:
            report = import_rows(client, import_options, quiet=as_json)
    _print_report(report, as_json)
    if report.stopped is not None:
        raise ImportStopped(report.stopped)
    if report.counts.rejected:
        sys.exit(1)


def _default_rejected(file: Path) -> Path:
    """Return a path beside the file, or in the current folder if it is standard input or a pipe."""
    if str(file) == "-":
        return Path("stdin.rejected.ndjson")
    return Path(f"{file if file.is_file() else file.name}.rejected.ndjson")


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield a file that can be read twice, and its first bytes. Standard input and pipes are copied to disk first."""
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


def _print_report(report: ImportReport, as_json: bool) -> None:
    counts = report.counts
    rejected = None if report.rejected_path is None else str(report.rejected_path)
    if as_json:
        summary = {"type": report.type["name"], "type_version": report.type["version"], "columns": report.columns}
        print_json(
            summary
            | {"rows": report.rows}
            | asdict(counts)
            | {"left": report.left}
            | {"adjustments": report.adjustments, "rejected_file": rejected, "seconds": report.seconds}
        )
        return
    fields = report.type["fields"]
    rows = [(c, f, fields.get(f, {}).get("type", "(none)")) for c, f in report.columns.items()]
    print_table(("column", "field", "type"), rows, title=f"{report.type['name']}, version {report.type['version']}")
    if report.adjustments:
        print_table(("field", "adjustment of values", "count"), (tuple(x.values()) for x in report.adjustments))
    after = ", and all rows after them"
    echo(
        f"{counts.created:,} created, {counts.updated:,} updated, {counts.skipped:,} skipped, "
        f"{counts.rejected:,} rejected in {report.seconds} s"
        + (
            (f"; {report.left:,} of {report.rows:,} rows read remain to be imported" + after * (not report.read_to_end))
            * (report.stopped is not None)
        )
    )
    if rejected:
        echo(f"rejected rows, with their lines and reasons: {rejected}")
