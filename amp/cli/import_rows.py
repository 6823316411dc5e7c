"""Makes assets of the rows of a file: type, names, values, ids, and what to do about rows that do not fit."""

import sys
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from amp.cli.client import AmpClient, ServiceError, sendable, type_path
from amp.cli.importer import Counts, Importer, ImportStopped, Item, OnExisting, RowIds
from amp.cli.importing.coerce_rows import CoerceRows
from amp.cli.importing.dates import read_date
from amp.cli.importing.flatten import FieldNames
from amp.cli.importing.infer_type import InferType
from amp.cli.output import console
from amp.cli.rejected_rows import RejectedRows
from amp.cli.row_files import Row, read_rows
from amp.domain.limits import AssetLimits
from amp.domain.types import Field, FieldType
from amp.errors import AmpError

_NAME_COLUMNS = ("name", "title")
_NAME_BYTES = AssetLimits().name_bytes


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """What to import, and how."""

    path: Path  #: a file that can be read twice
    format: str
    type_name: str
    rejected_path: Path  #: not there yet, or of no bytes
    infer: bool = False
    name_field: str | None = None
    id_field: str | None = None
    created_field: str | None = None
    project: str = "default"
    on_existing: OnExisting = OnExisting.SKIP


@dataclass(kw_only=True)
class ImportReport:
    type: dict[str, Any]
    columns: dict[str, str]  #: column → field
    counts: Counts = field(default_factory=Counts)
    liberties: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    rows: int = 0  #: read until it ended or stopped
    read_whole: bool = False  #: no row comes after those
    rejected_path: Path | None = None  #: None: no row was rejected
    stopped: str | None = None

    @property
    def left(self) -> int:
        """Rows that were read, and about which nothing is known as the import stopped."""
        return self.rows - self.counts.settled


def import_rows(client: AmpClient, order: ImportOptions, *, quiet: bool = False) -> ImportReport:
    """:raises AmpError: nothing was imported."""
    began_s = time.monotonic()
    sendable(order.project)
    textual = order.format == "csv"
    found = _type_of(client, order.type_name)
    names = FieldNames(found["fields"] if found else ())
    if order.infer:
        infer = InferType(names, textual=textual)
        with closing(_rows(order, "Looking", quiet)) as rows:
            for row in rows:
                if row.data is not None:
                    infer.observe(row.data)
        found = _register(client, order.type_name, found, infer.fields())
    elif found is None:
        raise ImportStopped(f"there is no asset type {order.type_name!r}; --infer registers it from the rows")
    declared = {
        key: Field(type=FieldType(f["type"]), array=f.get("array", False)) for key, f in found["fields"].items()
    }
    outcome = ImportReport(type=found, columns={})
    coerce = CoerceRows(declared, names, textual=textual)
    with RejectedRows(order.rejected_path) as rejected:
        importer = Importer(client, order.on_existing, rejected.write, lambda: names.mapping().values(), outcome.counts)
        make = _ItemMaker(order, coerce)
        try:
            with closing(_rows(order, "Importing", quiet)) as rows:
                for row in rows:
                    outcome.rows += 1
                    try:
                        item = make.item(row)
                    except (ValueError, RecursionError) as e:
                        rejected.write(row.line, str(e), row.raw if row.data is None else row.data)
                        outcome.counts.rejected += 1
                    else:
                        importer.add(item)
            outcome.read_whole = True
            importer.finish()
            rejected.close()
        except AmpError as e:
            # What was imported until here is reported all the same.
            outcome.stopped = e.message
        outcome.rejected_path = rejected.path
    outcome.columns = names.mapping()
    outcome.liberties = [{"field": f, "what": w, "count": n} for (f, w), n in coerce.liberties.most_common()]
    outcome.seconds = round(time.monotonic() - began_s, 2)
    return outcome


class _ItemMaker:
    def __init__(self, order: ImportOptions, coerce: CoerceRows) -> None:
        self._order = order
        self._coerce = coerce
        self._ids = RowIds(order.type_name)

    def item(self, row: Row) -> Item:
        """:raises ValueError: the row can't become an asset; the message says why."""
        if row.data is None:
            raise ValueError(row.problem)
        order = self._order
        body: dict[str, Any] = {
            "type": order.type_name,
            "project": order.project,
            "external_id": self._external_id(row.data),
            "name": self._name(row.data),
            "metadata": self._coerce.metadata(row.data),
        }
        if order.created_field is not None:
            body["created_at"] = self._created_at(row.data, order.created_field)
        return Item(row.line, row.data, body)

    def _external_id(self, data: Mapping[str, Any]) -> str:
        if self._order.id_field is None:
            return self._ids.next(data)
        return self._coerce.text("external_id", _scalar_in(data, self._order.id_field))

    def _name(self, data: Mapping[str, Any]) -> str:
        column = self._order.name_field or next((c for c in data if c.strip().lower() in _NAME_COLUMNS), None)
        value = None if column is None else data.get(column)
        if value is None or isinstance(value, list | dict):
            return ""
        # The field keeps the whole of it.
        return self._coerce.text("name", value).encode()[:_NAME_BYTES].decode(errors="ignore")

    def _created_at(self, data: Mapping[str, Any], column: str) -> str:
        value = _scalar_in(data, column)
        date = read_date(value) if isinstance(value, str) else None
        if date is None:
            raise ValueError(f"{column}: {value!r} is no date that can be read")
        return date


def _scalar_in(data: Mapping[str, Any], column: str) -> Any:
    value = data.get(column)
    if value is None or value == "" or isinstance(value, list | dict):
        raise ValueError(f"has no {column}")
    return value


def _type_of(client: AmpClient, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.get(type_path(name))
    except ServiceError as e:
        if e.status == 404:
            return None
        raise
    return found


def _register(
    client: AmpClient, name: str, found: dict[str, Any] | None, proposed: Mapping[str, Field]
) -> dict[str, Any]:
    """The type with what it declares already, and the proposed fields that it lacks."""
    fields = {key: {"type": f.type.value} | ({"array": True} if f.array else {}) for key, f in proposed.items()}
    made: dict[str, Any]
    if found is None:
        made = client.call("POST", "/v1/types", body={"name": name, "fields": fields})
    elif fields.keys() <= found["fields"].keys():
        made = found
    else:
        body = {"description": found["description"], "fields": fields | found["fields"]}
        made = client.call("PUT", type_path(name), body=body, repeatable=True)
    return made


def _rows(order: ImportOptions, what: str, quiet: bool) -> Generator[Row]:
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
        console=console(stderr=True), transient=True, disable=quiet or not sys.stderr.isatty(),
    )  # fmt: skip
    with progress, progress.open(order.path, "rb", description=what) as file:
        yield from read_rows(file, order.format)
