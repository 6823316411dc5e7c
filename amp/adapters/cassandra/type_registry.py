"""The type registry in Cassandra: one partition per type, to which conditional batches add versions."""

from itertools import islice
from uuid import UUID, uuid4

import orjson

from amp.adapters.cassandra.session import CassandraSession, Mode
from amp.adapters.cassandra.settling import settle
from amp.domain.types import AssetType, type_from_json, type_json

_ADD = """BEGIN UNLOGGED BATCH
UPDATE {ks}.types SET newest = ? WHERE name = ? IF newest = ?;
INSERT INTO {ks}.types (name, version, body, change_id) VALUES (?, ?, ?, ?);
APPLY BATCH"""
_NEWEST_NUMBER = "SELECT newest FROM {ks}.types WHERE name = ? LIMIT 1"
_CHANGE = "SELECT change_id FROM {ks}.types WHERE name = ? AND version = ?"
_VERSION = "SELECT body FROM {ks}.types WHERE name = ? AND version = ?"
_NEWEST = "SELECT body FROM {ks}.types WHERE name = ? LIMIT 1"
_NEWEST_OF_MANY = "SELECT body FROM {ks}.types WHERE name IN ? PER PARTITION LIMIT 1"
_ADD_NAME = "INSERT INTO {ks}.type_names (registry, name) VALUES ('all', ?)"
_NAMES = "SELECT name FROM {ks}.type_names WHERE registry = 'all'"
_NAMES_AT_ONCE = 50


class CassandraTypeRegistry:
    """Implements `TypeRegistry`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def add(self, asset_type: AssetType) -> bool:
        name, version, change_id = asset_type.name, asset_type.version, uuid4()
        body = orjson.dumps(type_json(asset_type)).decode()
        before = version - 1 or None
        values = (version, name, before, name, version, body, change_id)
        if before is None:
            # The name is written first: a name without a type is skipped, while a type without a name would be missed.
            self._session.run(_ADD_NAME, (name,))
        return settle(
            lambda: bool(self._session.run(_ADD, values, Mode.CONDITIONAL)[0]["[applied]"]),
            lambda: self._was_added(name, version, change_id),
        )

    def _was_added(self, name: str, version: int, change_id: UUID) -> bool | None:
        # In this order: another newest number, followed by the absence of our row, proves that our write cannot take
        # effect any more.
        newest = self._session.run(_NEWEST_NUMBER, (name,), Mode.SERIAL)
        stored = self._session.run(_CHANGE, (name, version), Mode.SERIAL)
        if stored:
            return bool(stored[0][0] == change_id)
        return None if version == ((newest[0][0] if newest else None) or 0) + 1 else False

    def get(self, name: str, version: int | None = None) -> AssetType | None:
        rows = self._session.run(_NEWEST, (name,)) if version is None else self._session.run(_VERSION, (name, version))
        return _type_of(rows[0]) if rows else None

    def newest(self) -> list[AssetType]:
        names = (row[0] for row in self._session.run(_NAMES))
        requests = []
        while block := list(islice(names, _NAMES_AT_ONCE)):
            requests.append((_NEWEST_OF_MANY, (block,)))
        types = [_type_of(row) for rows in self._session.rows_of_many(requests) for row in rows]
        return sorted(types, key=lambda asset_type: asset_type.name)


def _type_of(row: tuple[str]) -> AssetType:
    return type_from_json(orjson.loads(row[0]))
