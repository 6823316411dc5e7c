"""Tells whether a SQLite file is damaged, as far as that can be told within a moment."""

import contextlib
import sqlite3
import time
from pathlib import Path

_LIMIT_S = 2.0
_STEPS_PER_LOOK = 20_000
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def damage_of(path: Path, limit_s: float = _LIMIT_S) -> str | None:
    """What is wrong with the content of the file; None: nothing, as far as was read within `limit_s`, or there is none.
    An empty file is none. What else keeps it from being read is not told here.
    """
    if not path.exists():
        return None
    deadline_s = time.monotonic() + limit_s
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            connection.set_progress_handler(lambda: time.monotonic() > deadline_s, _STEPS_PER_LOOK)
            [found] = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as e:
        return str(e) if (getattr(e, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED else None
    return None if found == "ok" else str(found)
