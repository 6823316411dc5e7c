"""Imports the rows of files: registers the type if asked, converts each row to an asset, and writes rejected rows."""

import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from amp.cli.client import AmpClient, sendable
from amp.cli.importing.coerce_rows import RowCoercion
from amp.cli.importing.columns import ColumnOptions, require_column
from amp.cli.importing.field_names import field_names
from amp.cli.importing.files.source import Source
from amp.cli.importing.importer import Counts, Importer, ImportStopped, OnExisting
from amp.cli.importing.items import Item, ItemBuilder, name_column
from amp.cli.importing.place import Place
from amp.cli.importing.proposed_type import ProposedType, proposed_type, registered_type
from amp.cli.importing.refused import ImportRefused
from amp.cli.importing.rejected_rows import RejectedRows
from amp.cli.importing.scan import place_of, progressing_rows, scan
from amp.cli.importing.seen_keys import SeenKeys
from amp.errors import AmpError

#: Number of assets that a dry run shows.
_MAX_PREVIEWED = 5
#: Number of rejected rows that a report lists.
_MAX_LISTED = 1_000


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """The files to import, and how to convert their rows to assets."""

    sources: Sequence[Source]
    type_name: str
    rejected_path: Path | None  #: The file for rejected rows; None: they are only counted.
    infer: bool = False
    dry_run: bool = False
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    name_field: str | None = None
    id_field: str | None = None
    created_field: str | None = None
    project: str = "default"
    on_existing: OnExisting = OnExisting.SKIP


@dataclass(kw_only=True)
class ImportReport:
    """The result of an import, which may have stopped before its end, or of a dry run."""

    type: dict[str, Any]
    columns: dict[str, str]  #: Column → field.
    dry_run: bool = False
    #: Why columns became text, by column, where that may surprise.
    kept_as_text: dict[str, str] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    deleted: int = 0  #: Number of rejected rows whose asset is deleted.
    #: How values were adjusted to the type: `field`, `what` was done, and `count` of the values.
    adjustments: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    rows: int = 0  #: Number of rows of the files.
    rejected_path: Path | None = None  #: None: no row was rejected.
    rejected: list[dict[str, Any]] = field(default_factory=list)  #: The first rejected rows: `place` and `reason`.
    preview: list[dict[str, Any]] = field(default_factory=list)  #: Of a dry run: the first assets.
    stopped: str | None = None  #: Why the import stopped before its end. None: it did not.

    @property
    def left(self) -> int:
        """The number of rows that are not settled, because the import stopped. A dry run settles only rejected rows."""
        return self.rows - self.counts.settled


def import_rows(client: AmpClient, options: ImportOptions, *, quiet: bool = False) -> ImportReport:
    """Import the rows of files. An import that stops after it has begun is reported, not raised.

    :raises ImportRefused: the import cannot begin; nothing was changed.
    :raises AmpError: the service does not answer, or refuses to show the type.
    """
    began_s = time.monotonic()
    sendable(options.project)
    existing = registered_type(client, options.type_name)
    if existing is None and not options.infer:
        raise ImportStopped(f"there is no asset type {options.type_name!r}; use --infer to register it from the rows")
    scanned = scan(options.sources, options.columns, infer=options.infer, quiet=quiet)
    columns = scanned.all_columns()
    if columns:
        _require_columns(options, columns)
    declared = existing["fields"] if existing else {}
    names = field_names(columns, declared, options.columns.fields)
    new = {column: name for column, name in names.items() if options.infer and name not in declared}
    labels = {name: column for column, name in new.items() if column != name}
    _require_new_fields(options, names, declared)
    proposed = proposed_type(client, options.type_name, existing, scanned.inference.fields(new), labels)
    report = ImportReport(
        type=proposed.json,
        columns=names,
        dry_run=options.dry_run,
        kept_as_text=scanned.inference.reasons(new),
        rows=scanned.rows,
    )
    with SeenKeys() as seen, RejectedRows(options.rejected_path) as rejected:
        importer = Importer(client, options.on_existing, partial(_report_rejected, report, rejected), report.counts)
        run = _Run(options=options, proposed=proposed, importer=importer, report=report, seen=seen, quiet=quiet)
        try:
            for source, source_columns in zip(options.sources, scanned.columns, strict=True):
                importer.flush()  # a batch has rows of one file only
                rejected.text_only = source.textual
                run.import_file(source, source_columns)
            importer.finish()
            rejected.close()
        except (AmpError, ImportRefused) as e:
            # What was imported before the error must be reported.
            report.stopped = e.message
        report.rejected_path = rejected.path
        report.deleted = importer.deleted
    report.type = proposed.json
    report.adjustments = [{"field": f, "what": a, "count": n} for (f, a), n in run.adjustments.most_common()]
    report.seconds = round(time.monotonic() - began_s, 2)
    return report


@dataclass(frozen=True, kw_only=True)
class _Run:
    """The second pass over the files."""

    options: ImportOptions
    proposed: ProposedType
    importer: Importer
    report: ImportReport
    seen: SeenKeys
    quiet: bool
    adjustments: Counter[tuple[str, str]] = field(default_factory=Counter)

    def import_file(self, source: Source, columns: Collection[str]) -> None:
        """Import, or try, the rows of a file.

        :raises AmpError: the import cannot continue.
        """
        source.require_unchanged()
        builder = self._builder(source, columns)
        with closing(progressing_rows(source, "Importing", self.quiet)) as rows:
            for row in rows:
                place = place_of(row, source, self.options.sources)
                try:
                    item = builder.build(row, place)
                    self._require_fit(item)
                except (ValueError, RecursionError) as e:
                    self.importer.reject(place, str(e), row.raw if row.data is None else row.data)
                else:
                    self._accept(item)

    def _require_fit(self, item: Item) -> None:
        """Check that the row fits the type, as long as the service cannot do so because it does not know the type yet.

        :raises ValueError: it does not fit.
        """
        if self.proposed.registered and not self.options.dry_run:
            return
        misfit = self.proposed.misfit(item.body["metadata"])
        if misfit is not None:
            raise ValueError(misfit)

    def _accept(self, item: Item) -> None:
        if not self.options.dry_run:
            self.proposed.register()
            self.importer.add(item)
        elif len(self.report.preview) < _MAX_PREVIEWED:
            self.report.preview.append(item.body)

    def _builder(self, source: Source, columns: Collection[str]) -> ItemBuilder:
        options, names = self.options, self.report.columns
        coercion = RowCoercion(
            fields=self.proposed.fields,
            names=names,
            options=options.columns,
            textual=source.textual,
            adjustments=self.adjustments,
        )
        return ItemBuilder(
            type_name=options.type_name,
            project=options.project,
            name_column=options.name_field or name_column(columns),
            id_column=options.id_field,
            created_column=options.created_field,
            refuse_repeated_ids=options.on_existing is OnExisting.SKIP,
            coercion=coercion,
            fields=[names[column] for column in columns if column in names],
            seen=self.seen,
        )


def _report_rejected(report: ImportReport, file: RejectedRows, place: Place, reason: str, row: Any) -> None:
    file.write(place, reason, row)
    if len(report.rejected) < _MAX_LISTED:
        report.rejected.append({"place": str(place), "reason": reason})


def _require_new_fields(options: ImportOptions, names: Mapping[str, str], declared: Collection[str]) -> None:
    """Check that columns whose type the user chooses become new fields.

    :raises ImportRefused: one does not.
    """
    for column in options.columns.types:
        if not options.infer:
            raise ImportRefused("--as chooses the types of new fields, so it needs --infer")
        if names.get(column) in declared:
            raise ImportRefused(f"--as: the field {names[column]!r} of the column {column!r} is declared already")


def _require_columns(options: ImportOptions, columns: Collection[str]) -> None:
    options.columns.require_columns(columns)
    for option, column in (
        ("--name-field", options.name_field),
        ("--id-field", options.id_field),
        ("--created-field", options.created_field),
    ):
        if column is not None:
            require_column(option, column, columns)
