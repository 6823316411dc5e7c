"""Converts rows to the assets that are sent."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from amp.cli.importing.cells import read_date_cell
from amp.cli.importing.coerce_rows import RowCoercion
from amp.cli.importing.files.row import Row
from amp.cli.importing.flatten import flatten
from amp.cli.importing.place import Place
from amp.cli.importing.seen_keys import SeenKeys
from amp.domain.limits import AssetLimits
from amp.domain.types import FieldType

_NAME_COLUMNS = ("name", "title")
_NAME_BYTES = AssetLimits().name_bytes
_EXTERNAL_ID = "external id"
_DIGEST_BYTES = 16


@dataclass(slots=True)
class Item:
    """An asset to create or update, and the row that it comes from."""

    place: Place
    row: Any
    body: dict[str, Any]
    #: The fields for which the file has columns. An update removes their values if the row has none.
    fields: Collection[str]


def name_column(columns: Collection[str]) -> str | None:
    """Return the column that names assets unless the user chooses another one: `name`, or else `title`."""
    for wanted in _NAME_COLUMNS:
        for column in columns:
            if column.strip().lower() == wanted:
                return column
    return None


@dataclass(frozen=True, kw_only=True)
class ItemBuilder:
    """Converts the rows of one file to items."""

    type_name: str
    project: str
    name_column: str | None  #: None: assets have no name.
    id_column: str | None  #: None: external ids are derived from rows.
    created_column: str | None  #: None: assets are created now.
    refuse_repeated_ids: bool  #: Whether the second row of an external id is refused.
    coercion: RowCoercion
    fields: Collection[str]
    seen: SeenKeys

    def build(self, row: Row, place: Place) -> Item:
        """Convert a row to an item.

        :raises ValueError: the row cannot be converted; the message says why.
        """
        if row.data is None:
            raise ValueError(row.problem)
        for adjustment in row.adjustments:
            self.coercion.note("", adjustment)
        cells = list(flatten(row.data))
        values = {column: value for column, value, _ in cells}
        body: dict[str, Any] = {
            "type": self.type_name,
            "project": self.project,
            "external_id": self._external_id(row.data, values, place),
            "name": self._name(values),
            "metadata": self.coercion.metadata(cells),
        }
        if self.created_column is not None:
            body["created_at"] = self._created_at(values, self.created_column)
        return Item(place, row.data, body, self.fields)

    def _external_id(self, row: Mapping[str, Any], values: Mapping[str, Any], place: Place) -> str:
        if self.id_column is None:
            return self._derived_id(row, place)
        external_id = self.coercion.text(_EXTERNAL_ID, _scalar_in(values, self.id_column))
        number, first = self.seen.add(external_id.encode(errors="surrogatepass"), str(place))
        if number > 1 and self.refuse_repeated_ids:
            raise ValueError(f"{place} has the id of {first}")
        return external_id

    def _derived_id(self, row: Mapping[str, Any], place: Place) -> str:
        """Return the hash of a row, and its number among the equal rows.

        Equal rows therefore become different assets, and importing a file again creates no duplicates. Each id is a
        single word, so that a search of all text for "row" or "1" does not find it.
        """
        canonical = json.dumps([self.type_name, row], sort_keys=True).encode()
        digest = hashlib.sha256(canonical).digest()[:_DIGEST_BYTES]
        number, _ = self.seen.add(digest, str(place))
        return f"row{digest.hex()}x{number}"

    def _name(self, values: Mapping[str, Any]) -> str:
        value = None if self.name_column is None else values.get(self.name_column)
        if value is None or isinstance(value, list):
            return ""
        # The metadata field has the whole text.
        return self.coercion.text("name", value).encode()[:_NAME_BYTES].decode(errors="ignore")

    def _created_at(self, values: Mapping[str, Any], column: str) -> str:
        value = _scalar_in(values, column)
        reading = read_date_cell(str(value).strip(), self.coercion.options.notation(column))
        if reading.kind is not FieldType.DATE or reading.value is None:
            raise ValueError(f"{column}: {value!r} {reading.hint or 'is not a date'}")
        return str(reading.value)


def _scalar_in(values: Mapping[str, Any], column: str) -> Any:
    value = values.get(column)
    if value is None or isinstance(value, list) or (isinstance(value, str) and not value.strip()):
        raise ValueError(f"has no {column}")
    return value
