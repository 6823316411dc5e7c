"""Reports whether a SQLite file is damaged, as far as a check of limited duration can detect it."""

import contextlib
import sqlite3
import time
from pathlib import Path

_LIMIT_S = 2.0
#: The deadline is checked once per this number of steps of SQLite's virtual machine.
_STEPS_PER_DEADLINE_CHECK = 20_000
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
#: Beginnings of results that report no damage. SQLite 3.44 and later also check FTS5 tables; some of these versions
#: report with the second one that this check was interrupted.
_NO_DAMAGE = ("ok", "unable to validate")


def damage_of(path: Path, limit_s: float = _LIMIT_S) -> str | None:
    """Return what is damaged in the content of the file. None: no damage was found within `limit_s`, or the file does
    not exist or is empty. Other reasons why the file cannot be read are not reported.
    """
    if not path.exists():
        return None
    deadline_s = time.monotonic() + limit_s
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            connection.set_progress_handler(lambda: time.monotonic() > deadline_s, _STEPS_PER_DEADLINE_CHECK)
            [result] = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as e:
        return str(e) if (getattr(e, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED else None
    return None if str(result).startswith(_NO_DAMAGE) else str(result)
