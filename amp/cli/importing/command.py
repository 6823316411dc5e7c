"""`amp import`: imports the rows of files as assets, and prints a report."""

import contextlib
import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from amp.cli.connection import service
from amp.cli.importing.columns import column_options
from amp.cli.importing.files.kinds import FORMATS
from amp.cli.importing.files.source import ReadOptions, Source, open_source
from amp.cli.importing.import_rows import ImportOptions, import_rows
from amp.cli.importing.importer import ImportStopped, OnExisting
from amp.cli.importing.refused import ImportRefused
from amp.cli.importing.rejected_rows import check_rejected, unused_name
from amp.cli.importing.report import print_report
from amp.cli.output import json_option
from amp.settings import load_settings

_STDIN = "-"
_COLUMN_OPTIONS = ("fields", "types", "null", "split", "thousands", "decimal", "dates", "timezone")
_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "\\t": "\t"}


class _Delimiter(click.ParamType[str]):
    name = "character"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        delimiter = _DELIMITERS.get(value, str(value))
        if len(delimiter) != 1 or delimiter.isalnum() or delimiter in '"\r\n':
            self.fail(f"{value!r} is not a delimiter: give one character, or tab.", param, ctx)
        return delimiter


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--type", "type_name", required=True, metavar="NAME", help="Type of the assets.")
@click.option("--infer", is_flag=True, help="Register the type, or add the fields that the rows need.")
@click.option("--dry-run", is_flag=True, help="Show what an import would do, without changing anything.")
@click.option("--name-field", metavar="COLUMN", help="Column of the name.  [default: name or title]")
@click.option("--id-field", metavar="COLUMN", help="Column of the external id.  [default: derived from the row]")
@click.option("--created-field", metavar="COLUMN", help="Column of the creation time.  [default: now]")
@click.option("--project", default="default", show_default=True, help="Project of the assets.")
@click.option(
    "--on-existing",
    type=click.Choice([choice.value for choice in OnExisting]),
    default=OnExisting.SKIP.value,
    show_default=True,
    help="What to do with rows whose external id exists; restore updates, and restores deleted assets.",
)
@click.option(
    "--rejected",
    type=click.Path(dir_okay=False, path_type=Path),
    help="New file for rows that cannot be imported.  [default: FILE.rejected.ndjson, or with a number if that exists]",
)
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Format.  [default: by name or content]")
@click.option("--encoding", metavar="NAME", help="Encoding of text.  [default: UTF-8, or by the byte order mark]")
@click.option("--delimiter", type=_Delimiter(), help="Separator of CSV cells.  [default: by content]")
@click.option("--rows", "rows_at", metavar="PATH", help="Place of the rows in a JSON object: items, '*', or . for one.")
@click.option("--sheet", metavar="NAME", help="Sheet of an XLSX file.  [default: the only one with cells]")
@click.option("--map", "fields", multiple=True, metavar="COLUMN=FIELD", help="Field of a column; empty: leave it out.")
@click.option("--as", "types", multiple=True, metavar="COLUMN=TYPE", help="Type of a new field, as long or string[].")
@click.option("--null", multiple=True, metavar="[COLUMN=]TEXT", help="Text that means that there is no value.")
@click.option("--split", multiple=True, metavar="[COLUMN=]TEXT", help="Separator of several values in a cell.")
@click.option("--thousands", multiple=True, metavar="[COLUMN=]MARK", help="Mark between thousands in numbers.")
@click.option("--decimal", multiple=True, metavar="[COLUMN=]MARK", help="Decimal mark.  [default: .]")
@click.option("--dates", multiple=True, metavar="[COLUMN=]dmy|mdy", help="Order of dates such as 06/12/1998.")
@click.option("--timezone", multiple=True, metavar="[COLUMN=]ZONE", help="Time zone of times without an offset.")
@json_option
def import_(files: Sequence[str], rejected: Path | None, as_json: bool, **options: Any) -> None:
    """Import the rows of each FILE as assets: CSV, JSON, NDJSON, XLSX or Parquet ("-" reads standard input).

    Every row gets an external id, so importing an unchanged file again creates no duplicates. The name of a column
    alone decides which field it becomes (`US Gross` becomes us_gross); --map chooses another one. Values that REST
    would refuse are adjusted to the type where that is safe, and each adjustment is counted. Rows that do not fit are
    written to a file with their line and the reason; the others are imported, and the exit code is 1. Exit code 2 means
    that nothing was done, because a file or an option cannot be understood.

    With --infer, the type is inferred from all rows. A column whose cells are all numbers, dates or booleans gets that
    type, if nothing of their notation is lost: 007 and 1.10 stay text. The report says why a column is text although it
    looks like something else, and which option reads it. --dry-run shows all of this without importing.

    \b
    Examples:
      amp import movies.json --type movie --infer --dry-run
      amp import clips.csv --type clip --id-field "Clip ID" --on-existing update
      amp import 'scans/*.csv' --type scan --infer --dates dmy --timezone Europe/Berlin
      amp import sales.xlsx --type sale --infer --null N/A --split 'Keywords=|'
      curl -s https://example.com/api/items | amp import - --type item --infer --rows items
    """
    columns = column_options(**{name: options.pop(name) for name in _COLUMN_OPTIONS})
    read_options = ReadOptions(
        format=options.pop("format_"), **{n: options.pop(n) for n in ("encoding", "delimiter", "rows_at", "sheet")}
    )
    with contextlib.ExitStack() as stack:
        paths = _expanded(files)
        sources = [_source(stack, path, read_options) for path in paths]
        if rejected is not None:
            check_rejected(rejected, map(Path, paths))
        elif not options["dry_run"]:
            rejected = unused_name(_default_rejected(paths))
        import_options = ImportOptions(
            sources=sources,
            rejected_path=rejected,
            on_existing=OnExisting(options.pop("on_existing")),
            columns=columns,
            **options,
        )
        client = stack.enter_context(service(load_settings(), create=True))
        report = import_rows(client, import_options, quiet=as_json)
    print_report(report, import_options, as_json=as_json)
    if report.stopped is not None:
        raise ImportStopped(report.stopped)
    if report.counts.rejected:
        sys.exit(1)


def _expanded(files: Sequence[str]) -> list[str]:
    """Return the files, with patterns replaced by what they match.

    :raises ImportRefused: a pattern matches nothing, or a file is named twice.
    """
    paths: list[str] = []
    for file in files:
        if file == _STDIN or os.path.lexists(file) or not glob.has_magic(file):
            paths.append(file)
        else:
            matches = sorted(glob.glob(file, recursive=True))
            if not matches:
                raise ImportRefused(f"{file}: no file matches")
            paths += matches
    for number, path in enumerate(paths):
        if path in paths[:number]:
            raise ImportRefused(f"{path}: is named twice")
    return paths


def _source(stack: contextlib.ExitStack, name: str, options: ReadOptions) -> Source:
    """Open a file that can be read twice. Standard input and pipes are copied to disk first."""
    path = Path(name)
    try:
        if name == _STDIN or (path.exists() and not path.is_file() and not path.is_dir()):
            path = stack.enter_context(_spooled(path))
        return open_source(path, "standard input" if name == _STDIN else name, options)
    except ImportRefused as e:
        raise ImportRefused(f"{name}: {e.message}") from e
    except OSError as e:
        raise ImportRefused(f"{name}: {os.strerror(e.errno or 0)}") from e


@contextlib.contextmanager
def _spooled(piped: Path) -> Iterator[Path]:
    """Yield a file with what standard input, or a pipe, contains."""
    with tempfile.NamedTemporaryFile(prefix="amp-import-") as spool:
        if str(piped) == _STDIN:
            shutil.copyfileobj(sys.stdin.buffer, spool)
        else:
            with open(piped, "rb") as opened:
                shutil.copyfileobj(opened, spool)
        spool.flush()
        yield Path(spool.name)


def _default_rejected(paths: Sequence[str]) -> Path:
    """Return a path beside the file. For several files, standard input or a pipe, it is in the current folder."""
    [first, *others] = paths
    if others:
        return Path("import.rejected.ndjson")
    if first == _STDIN:
        return Path("stdin.rejected.ndjson")
    return Path(f"{first if Path(first).is_file() else Path(first).name}.rejected.ndjson")
