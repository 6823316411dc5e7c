"""Prints the result of an import, or of a dry run."""

import json
from dataclasses import asdict

from amp.cli.importing.import_rows import ImportOptions, ImportReport
from amp.cli.output import echo, print_json, print_table

#: Number of rejected rows that are printed.
_MAX_PRINTED = 20


def print_report(report: ImportReport, options: ImportOptions, *, as_json: bool) -> None:
    """Print what was imported, how values were read, and what was not imported."""
    if as_json:
        _print_json(report, options)
        return
    for source in options.sources:
        echo(f"{source.name}: {source.description()}")
    _print_columns(report)
    if report.kept_as_text:
        print_table(("column", "why it is text"), report.kept_as_text.items())
    if report.adjustments:
        rows = ((a["field"] or "(row)", a["what"], a["count"]) for a in report.adjustments)
        print_table(("field", "adjustment of values", "count"), rows)
    if report.dry_run:
        _print_dry_run(report)
    else:
        _print_counts(report)
    if report.rejected_path is not None:
        echo(f"rejected rows, with their lines and reasons: {report.rejected_path}")
    elif report.rejected:
        _print_rejected(report)


def _print_json(report: ImportReport, options: ImportOptions) -> None:
    result = {
        "type": report.type["name"],
        "type_version": report.type.get("version"),
        "dry_run": report.dry_run,
        "files": [{"file": source.name, "read_as": source.description()} for source in options.sources],
        "columns": report.columns,
        "fields": {name: report.type["fields"].get(name) for name in report.columns.values()},
        "kept_as_text": report.kept_as_text,
        "rows": report.rows,
        **asdict(report.counts),
        "left": report.left,
        "of_deleted_assets": report.deleted,
        "adjustments": report.adjustments,
        "rejected_rows": report.rejected,
        "rejected_file": None if report.rejected_path is None else str(report.rejected_path),
        "seconds": report.seconds,
    }
    print_json(result | ({"preview": report.preview} if report.dry_run else {}))


def _print_columns(report: ImportReport) -> None:
    version = report.type.get("version")
    title = f"{report.type['name']}, version {version}" if version else f"{report.type['name']}, not registered"
    fields = report.type["fields"]
    rows = [
        (column, name, f"{declared['type']}{'[]' if declared.get('array') else ''}" if declared else "(none)")
        for column, name in report.columns.items()
        for declared in [fields.get(name)]
    ]
    echo(title)
    print_table(("column", "field", "type"), rows)


def _print_dry_run(report: ImportReport) -> None:
    for asset in report.preview:
        echo(json.dumps(asset, ensure_ascii=False))
    echo(
        f"dry run: {report.left:,} of {report.rows:,} rows fit the type, {report.counts.rejected:,} would be rejected; "
        "nothing was changed"
    )


def _print_counts(report: ImportReport) -> None:
    counts = report.counts
    echo(
        f"{counts.created:,} created, {counts.updated:,} updated, {counts.unchanged:,} unchanged, "
        f"{counts.skipped:,} skipped, {counts.rejected:,} rejected in {report.seconds} s"
    )
    if report.left:
        echo(f"{report.left:,} of {report.rows:,} rows remain to be imported")
    if report.deleted:
        echo(f"{report.deleted:,} belong to deleted assets; --on-existing restore restores them")


def _print_rejected(report: ImportReport) -> None:
    rows = ((rejected["place"], rejected["reason"]) for rejected in report.rejected[:_MAX_PRINTED])
    print_table(("row", "why it would be rejected"), rows)
    more = report.counts.rejected - _MAX_PRINTED
    if more > 0:
        echo(f"and {more:,} more; --rejected FILE writes all of them to a file")
