"""Reads the rows of a Parquet file."""

import datetime
import decimal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amp.cli.importing.files.row import Row
from amp.cli.importing.refused import ImportRefused

_BATCH_ROWS = 1_000
_NEEDS_EXTRA = "Parquet files need a library: pip install 'amp-assets[tables]'"


def parquet_rows(path: Path) -> Iterator[Row]:
    """Yield the rows. Dates and times become text in ISO 8601; maps become objects; decimals become numbers.

    :raises ImportRefused: the file cannot be read.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ImportRefused(_NEEDS_EXTRA) from None
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for data in _in_microseconds(batch).to_pylist(maps_as_pydicts="lossy"):
                    number += 1
                    yield Row(number, {str(name): _value(value) for name, value in data.items()})
    except (pyarrow.ArrowException, OSError, ValueError) as e:
        raise ImportRefused(f"row {number + 1}: the Parquet file cannot be read: {e}") from e


def _in_microseconds(batch: Any) -> Any:
    """Return the batch with times that Python can represent: nanoseconds are cut off."""
    import pyarrow

    for index, column in enumerate(batch.schema):
        if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":
            cast = batch.column(index).cast(pyarrow.timestamp("us", column.type.tz), safe=False)
            batch = batch.set_column(index, column.name, cast)
    return batch


def _value(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _value(inner) for key, inner in value.items()}
        case list():
            return [_value(inner) for inner in value]
        case datetime.datetime() | datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return value.total_seconds()
        case decimal.Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case _:
            return value
