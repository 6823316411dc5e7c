"""Values that all processes share, on SQLite."""

from amp.adapters.embedded.database import Database


class SqliteSharedValues:
    def __init__(self, database: Database) -> None:
        self._database = database

    def get_or_put(self, name: str, value: bytes) -> bytes:
        with self._database.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO shared_values (name, value) VALUES (?, ?)", (name, value))
            [stored] = connection.execute("SELECT value FROM shared_values WHERE name = ?", (name,)).fetchone()
        return bytes(stored)
