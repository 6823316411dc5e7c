"""Remembers the keys of any number of rows in a temporary file."""

import sqlite3


class SeenKeys:
    """Counts how often each key was seen, and remembers the row where it was seen first."""

    def __init__(self) -> None:
        # SQLite keeps an unnamed database in a temporary file once it exceeds its cache, and removes it at the end.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, number INTEGER, place TEXT) WITHOUT ROWID")

    def __enter__(self) -> "SeenKeys":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def add(self, key: bytes, place: str) -> tuple[int, str]:
        """Return how often the key was seen, this time included, and the place where it was seen first."""
        query = (
            "INSERT INTO seen VALUES (?, 1, ?) ON CONFLICT (key) DO UPDATE SET number = number + 1 "
            "RETURNING number, place"
        )
        [(number, first)] = self._db.execute(query, (key, place)).fetchall()
        return number, first
