"""Checks that SQLite was built with FTS5, its full-text index, in which the search index finds words (ADR 012)."""

import contextlib
import sqlite3
from collections.abc import Callable

from amp.errors import BadSetting


def require_fts5(connect: Callable[[str], sqlite3.Connection] = sqlite3.connect) -> None:
    """:raises BadSetting: SQLite lacks FTS5."""
    with contextlib.closing(connect(":memory:")) as connection:
        try:
            connection.execute("CREATE VIRTUAL TABLE texts USING fts5 (text)")
        except sqlite3.OperationalError as e:
            raise BadSetting(
                f"SQLite {sqlite3.sqlite_version}, which Python uses, lacks FTS5 ({e}); the embedded profile needs it:"
                " use a Python whose SQLite was built with SQLITE_ENABLE_FTS5"
            ) from e
