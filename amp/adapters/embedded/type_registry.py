"""The type registry on SQLite."""

import orjson

from amp.adapters.embedded.database import Database
from amp.domain.types import AssetType, type_from_json, type_json


class SqliteTypeRegistry:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, asset_type: AssetType) -> bool:
        with self._database.writing() as connection:
            [newest] = connection.execute(
                "SELECT coalesce(max(version), 0) FROM types WHERE name = ?", (asset_type.name,)
            ).fetchone()
            if asset_type.version != newest + 1:
                return False
            connection.execute(
                "INSERT INTO types (name, version, body) VALUES (?, ?, ?)",
                (asset_type.name, asset_type.version, orjson.dumps(type_json(asset_type))),
            )
        return True

    def get(self, name: str, version: int | None = None) -> AssetType | None:
        query = "SELECT body FROM types WHERE name = ? AND (? IS NULL OR version = ?) ORDER BY version DESC LIMIT 1"
        with self._database.reading() as connection:
            row = connection.execute(query, (name, version, version)).fetchone()
        return None if row is None else type_from_json(orjson.loads(row[0]))

    def newest(self) -> list[AssetType]:
        # With `max`, SQLite takes the bare columns from the row that contains the maximum.
        query = "SELECT body, max(version) FROM types GROUP BY name ORDER BY name"
        with self._database.reading() as connection:
            rows = connection.execute(query).fetchall()
        return [type_from_json(orjson.loads(body)) for body, _ in rows]
