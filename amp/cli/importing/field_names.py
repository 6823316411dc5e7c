"""Derives the names of fields from the names of columns."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping

from anyascii import anyascii

from amp.cli.importing.refused import ImportRefused
from amp.domain.types import KEY

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_INVALID_CHARACTERS = re.compile(r"[^a-z0-9.]+")
_MAX_NAME_CHARACTERS = 120
_DIGEST_CHARACTERS = 16
_UNNAMED = re.compile(r"\(column \d+\)")


def unnamed_column(number: int) -> str:
    """Return what stands for the name of a column that has none in the header."""
    return f"(column {number})"


def is_unnamed(column: str) -> bool:
    """Return whether `column` is a value of `unnamed_column`."""
    return _UNNAMED.fullmatch(column) is not None


def field_name(column: str) -> str | None:
    """Return the field name of a column, which depends on nothing else; None if none can be derived.

    It is the column itself if that is a valid name that begins with a lowercase letter. Otherwise the column is
    transliterated: `US Gross` becomes `us_gross`, and `Größe` becomes `grosse`.
    """
    if KEY.fullmatch(column) and column[0].islower():
        return column
    name = _INVALID_CHARACTERS.sub("_", _CAMEL.sub("_", anyascii(column)).lower()).strip("_.")
    if not name or is_unnamed(column):
        return None
    if not name[0].isalpha():
        name = f"f_{name}"
    if len(name) > _MAX_NAME_CHARACTERS:
        digest = hashlib.sha256(column.encode(errors="surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]
        name = f"{name[: _MAX_NAME_CHARACTERS - _DIGEST_CHARACTERS - 1]}_{digest}"
    return name


def field_names(columns: Iterable[str], declared: Collection[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the field name of each column, without the columns that are left out.

    A column that has the name of a declared field becomes that field.

    :param chosen: the fields that the user chose for columns. Two columns may have the same field if all but one of
        them were chosen for it. An empty one leaves the column out.
    :raises ImportRefused: a column has no valid name, or two columns have the same one.
    """
    names: dict[str, str] = {}
    derived: dict[str, str] = {}  # field → the column from which it is derived
    for column in columns:
        name = chosen.get(column)
        if name == "":
            continue
        if name is None:
            name = column if column in declared else field_name(column)
            if name is None:
                raise ImportRefused(_without_name(column))
            if name in derived:
                both = f"columns {derived[name]!r} and {column!r}"
                raise ImportRefused(
                    f"{both} would both become the field {name!r}; choose another field for one of them: "
                    f"--map {f'{column}=FIELD'!r}"
                )
            derived[name] = column
        elif not KEY.fullmatch(name):
            raise ImportRefused(f"--map {column}={name}: {name!r} is not a valid field name, such as camera_id")
        names[column] = name
    return names


def _without_name(column: str) -> str:
    return (
        f"no field name can be derived from the column {column!r}; "
        f"choose one with --map {f'{column}=FIELD'!r}, or leave the column out with --map {f'{column}='!r}"
    )
