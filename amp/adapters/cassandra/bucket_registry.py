"""The bucket registry in Cassandra: one partition, changed by compare-and-set on the generation."""

from uuid import UUID, uuid4

import orjson

from amp.adapters.cassandra.session import CassandraSession, Mode
from amp.adapters.cassandra.settling import settle
from amp.domain.buckets import BucketMap, map_from_json, map_json

_REPLACE = """BEGIN UNLOGGED BATCH
UPDATE {ks}.bucket_maps SET current = ?, body = ? WHERE name = 'map' IF current = ?;
INSERT INTO {ks}.bucket_maps (name, generation, change_id) VALUES ('map', ?, ?);
APPLY BATCH"""
_BODY = "SELECT body FROM {ks}.bucket_maps WHERE name = 'map' LIMIT 1"
_CURRENT = "SELECT current FROM {ks}.bucket_maps WHERE name = 'map' LIMIT 1"
_CHANGE = "SELECT change_id FROM {ks}.bucket_maps WHERE name = 'map' AND generation = ?"


class CassandraBucketRegistry:
    """Implements `BucketRegistry`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def load(self) -> BucketMap | None:
        rows = self._session.run(_BODY)
        return map_from_json(orjson.loads(rows[0][0])) if rows else None

    def replace(self, new: BucketMap, *, expected_generation: int) -> bool:
        if new.generation <= expected_generation:
            raise ValueError(f"generation {new.generation} is not greater than {expected_generation}")
        change_id = uuid4()
        body = orjson.dumps(map_json(new)).decode()
        values = (new.generation, body, expected_generation or None, new.generation, change_id)
        return settle(
            lambda: bool(self._session.run(_REPLACE, values, Mode.CONDITIONAL)[0]["[applied]"]),
            lambda: self._was_replaced(new.generation, expected_generation, change_id),
        )

    def _was_replaced(self, generation: int, expected: int, change_id: UUID) -> bool | None:
        # In this order: a map with another generation, followed by the absence of our row, proves that our write cannot
        # take effect any more.
        current = self._session.run(_CURRENT, (), Mode.SERIAL)
        stored = self._session.run(_CHANGE, (generation,), Mode.SERIAL)
        if stored and stored[0][0] == change_id:
            return True
        return None if (current[0][0] if current else 0) == expected else False
