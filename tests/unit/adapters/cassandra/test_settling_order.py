"""A condition that lands while its sender looks for it: never taken for one that did not happen."""

from typing import Any

import orjson

from amp.adapters.cassandra.session import CassandraSession, Mode
from amp.adapters.cassandra.type_registry import CassandraTypeRegistry
from amp.domain.types import AssetType, type_json
from amp.errors import StoreUnavailable
from amp.settings import load_settings


class LateSession(CassandraSession):
    """Loses the answer to a condition, which takes effect after the first read that looks for it."""

    def __init__(self) -> None:
        super().__init__(load_settings())
        self.sent: tuple[Any, ...] | None = None
        self.landed = False

    def run(
        self, cql: str, values: tuple[Any, ...] = (), mode: Mode = Mode.PLAIN, timeout_s: float | None = None
    ) -> list[Any]:
        del timeout_s
        if mode is Mode.CONDITIONAL:
            assert self.sent is None, "sent again though it was found"
            self.sent = values
            raise StoreUnavailable
        if self.sent is None:
            return []
        version, *_, body, change_id = self.sent
        row = {"newest": version, "change_id": change_id, "body": body}
        columns = cql.split("SELECT ")[1].split(" FROM ")[0].split(", ")
        found = [tuple(row[column] for column in columns)] if self.landed else []
        self.landed = True
        return found


def test_a_type_that_is_added_while_it_is_looked_for_was_added() -> None:
    asset_type = AssetType(name="clip", version=1)
    assert orjson.dumps(type_json(asset_type))
    assert CassandraTypeRegistry(LateSession()).add(asset_type)
