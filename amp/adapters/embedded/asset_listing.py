"""The listing of assets on SQLite: indexes over the heads, paged by creation time and id."""

import hashlib
from uuid import UUID

from amp.adapters.embedded.database import Database
from amp.domain.ids import created_ms
from amp.errors import BadCursor, InvalidId
from amp.ports.asset_listing import IdPage


class SqliteAssetListing:
    """A position is the last id given, with its creation time in it, behind a digest of what is listed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, *, type_name: str | None, project: str | None, position: str | None, limit: int) -> IdPage:
        listed = hashlib.blake2s(repr((type_name, project)).encode(), digest_size=8).hexdigest()
        conditions: list[str] = []
        values: list[str | int | bytes] = []
        if type_name is not None:
            conditions.append("type = ?")
            values.append(type_name)
        if project is not None:
            conditions.append("project = ?")
            values.append(project)
        if position is not None:
            conditions.append("(created_ms, id) > (?, ?)")
            values += _place(position, listed)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        query = f"SELECT id FROM assets {where} ORDER BY created_ms, id LIMIT ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (*values, limit + 1)).fetchall()
        ids = tuple(UUID(bytes=row[0]) for row in rows[:limit])
        return IdPage(ids, listed + ids[-1].hex if ids and len(rows) > limit else None)


def _place(position: str, listed: str) -> tuple[int, bytes]:
    try:
        last = UUID(hex=position.removeprefix(listed))
        if listed + last.hex != position:
            raise ValueError("another list's, or not in the form given out")
        return created_ms(last), last.bytes
    except (ValueError, InvalidId) as e:
        raise BadCursor("the position is not one of this listing") from e
