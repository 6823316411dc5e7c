"""The authoritative bucket map on SQLite, in one row."""

import orjson

from amp.adapters.embedded.database import Database
from amp.domain.buckets import BucketMap, map_from_json, map_json


class SqliteBucketRegistry:
    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> BucketMap | None:
        with self._database.reading() as connection:
            row = connection.execute("SELECT body FROM bucket_map").fetchone()
        return None if row is None else map_from_json(orjson.loads(row[0]))

    def replace(self, new: BucketMap, *, expected_generation: int) -> bool:
        if new.generation <= expected_generation:
            raise ValueError(f"generation {new.generation} does not follow {expected_generation}")
        with self._database.writing() as connection:
            row = connection.execute("SELECT generation FROM bucket_map").fetchone()
            if (0 if row is None else row[0]) != expected_generation:
                return False
            connection.execute(
                "INSERT OR REPLACE INTO bucket_map (id, generation, body) VALUES (1, ?, ?)",
                (new.generation, orjson.dumps(map_json(new))),
            )
        return True
