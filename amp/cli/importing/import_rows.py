"""Imports the rows of a file: registers the type if asked, converts each row to an asset, and writes rejected rows."""

import sys
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from amp.cli.client import AmpClient, ServiceError, sendable, type_path
from amp.cli.importing.coerce_rows import RowCoercion
from amp.cli.importing.dates import read_date
from amp.cli.importing.flatten import FieldNames
from amp.cli.importing.importer import Counts, Importer, ImportStopped, Item, OnExisting, RowIds
from amp.cli.importing.infer_type import TypeInference
from amp.cli.importing.rejected_rows import RejectedRows
from amp.cli.importing.row_files import Row, read_rows
from amp.cli.output import console
from amp.domain.limits import AssetLimits
from amp.domain.types import Field, FieldType
from amp.errors import AmpError

_NAME_COLUMNS = ("name", "title")
_NAME_BYTES = AssetLimits().name_bytes


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """The file to import, and how to convert its rows to assets."""

    path: Path  #: A file that can be read twice.
    format: str
    type_name: str
    rejected_path: Path  #: The file for rejected rows. It does not exist yet, or is empty.
    infer: bool = False
    name_field: str | None = None
    id_field: str | None = None
    created_field: str | None = None
    project: str = "default"
    on_existing: OnExisting = OnExisting.SKIP


@dataclass(kw_only=True)
class ImportReport:
    """The result of an import, which may have stopped before its end."""

    type: dict[str, Any]
    columns: dict[str, str]  #: Column → field.
    counts: Counts = field(default_factory=Counts)
    #: How values were adjusted to the type: `field`, `what` was done, and `count` of the values.
    adjustments: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    rows: int = 0  #: Number of rows that were read.
    read_to_end: bool = False  #: Whether the whole file was read.
    rejected_path: Path | None = None  #: None: no row was rejected.
    stopped: str | None = None  #: Why the import stopped before its end. None: it did not.

    @property
    def left(self) -> int:
        """The number of rows that were read but are not settled, because the import stopped."""
        return self.rows - self.counts.settled


def import_rows(client: AmpClient, options: ImportOptions, *, quiet: bool = False) -> ImportReport:
    """Import the rows of a file. An import that stops after it has begun is reported, not raised.

    :raises AmpError: the import failed before any row was imported.
    """
    began_s = time.monotonic()
    sendable(options.project)
    textual = options.format == "csv"
    asset_type = _type_of(client, options.type_name)
    names = FieldNames(asset_type["fields"] if asset_type else ())
    if options.infer:
        inference = TypeInference(names, textual=textual)
        with closing(_rows(options, "Inferring", quiet)) as rows:
            for row in rows:
                if row.data is not None:
                    inference.observe(row.data)
        asset_type = _register(client, options.type_name, asset_type, inference.fields())
    elif asset_type is None:
        raise ImportStopped(f"there is no asset type {options.type_name!r}; use --infer to register it from the rows")
    declared = {
        key: Field(type=FieldType(f["type"]), array=f.get("array", False)) for key, f in asset_type["fields"].items()
    }
    report = ImportReport(type=asset_type, columns={})
    coercion = RowCoercion(declared, names, textual=textual)
    with RejectedRows(options.rejected_path) as rejected:
        importer = Importer(
            client, options.on_existing, rejected.write, lambda: names.mapping().values(), report.counts
        )
        builder = _ItemBuilder(options, coercion)
        try:
            with closing(_rows(options, "Importing", quiet)) as rows:
                for row in rows:
                    report.rows += 1
                    try:
                        item = builder.build(row)
                    except (ValueError, RecursionError) as e:
                        rejected.write(row.line, str(e), row.raw if row.data is None else row.data)
                        report.counts.rejected += 1
                    else:
                        importer.add(item)
            report.read_to_end = True
            importer.finish()
            rejected.close()
        except AmpError as e:
            # What was imported before the error must be reported.
            report.stopped = e.message
        report.rejected_path = rejected.path
    report.columns = names.mapping()
    report.adjustments = [{"field": f, "what": a, "count": n} for (f, a), n in coercion.adjustments.most_common()]
    report.seconds = round(time.monotonic() - began_s, 2)
    return report


class _ItemBuilder:
    def __init__(self, options: ImportOptions, coercion: RowCoercion) -> None:
        self._options = options
        self._coercion = coercion
        self._ids = RowIds(options.type_name)

    def build(self, row: Row) -> Item:
        """Convert a row to an item.

        :raises ValueError: the row cannot be converted; the message says why.
        """
        if row.data is None:
            raise ValueError(row.problem)
        options = self._options
        body: dict[str, Any] = {
            "type": options.type_name,
            "project": options.project,
            "external_id": self._external_id(row.data),
            "name": self._name(row.data),
            "metadata": self._coercion.metadata(row.data),
        }
        if options.created_field is not None:
            body["created_at"] = self._created_at(row.data, options.created_field)
        return Item(row.line, row.data, body)

    def _external_id(self, data: Mapping[str, Any]) -> str:
        if self._options.id_field is None:
            return self._ids.next(data)
        return self._coercion.text("external_id", _scalar_in(data, self._options.id_field))

    def _name(self, data: Mapping[str, Any]) -> str:
        column = self._options.name_field or next((c for c in data if c.strip().lower() in _NAME_COLUMNS), None)
        value = None if column is None else data.get(column)
        if value is None or isinstance(value, list | dict):
            return ""
        # The metadata field has the whole text.
        return self._coercion.text("name", value).encode()[:_NAME_BYTES].decode(errors="ignore")

    def _created_at(self, data: Mapping[str, Any], column: str) -> str:
        value = _scalar_in(data, column)
        date = read_date(value) if isinstance(value, str) else None
        if date is None:
            raise ValueError(f"{column}: {value!r} is not a supported or unambiguous date")
        return date


def _scalar_in(data: Mapping[str, Any], column: str) -> Any:
    value = data.get(column)
    if value is None or value == "" or isinstance(value, list | dict):
        raise ValueError(f"has no {column}")
    return value


def _type_of(client: AmpClient, name: str) -> dict[str, Any] | None:
    try:
        asset_type: dict[str, Any] = client.get(type_path(name))
    except ServiceError as e:
        if e.status == 404:
            return None
        raise
    return asset_type


def _register(
    client: AmpClient, name: str, existing: dict[str, Any] | None, proposed: Mapping[str, Field]
) -> dict[str, Any]:
    """Register the type with the fields that it already declares and the proposed fields that it lacks. Return it."""
    fields = {key: {"type": f.type.value} | ({"array": True} if f.array else {}) for key, f in proposed.items()}
    registered: dict[str, Any]
    if existing is None:
        registered = client.call("POST", "/v1/types", body={"name": name, "fields": fields})
    elif fields.keys() <= existing["fields"].keys():
        registered = existing
    else:
        body = {"description": existing["description"], "fields": fields | existing["fields"]}
        registered = client.call("PUT", type_path(name), body=body, repeatable=True)
    return registered


def _rows(options: ImportOptions, activity: str, quiet: bool) -> Generator[Row]:
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=console(stderr=True), transient=True, disable=quiet or not sys.stderr.isatty(),
    )  # fmt: skip
    with progress, progress.open(options.path, "rb", description=activity) as file:
        yield from read_rows(file, options.format)
