"""The listing of assets on SQLite: indexes over the heads, read in pages in the order of creation time and id."""

import hashlib
from collections.abc import Collection, Sequence
from uuid import UUID

import orjson

from amp.adapters.embedded.database import Database
from amp.domain.assets import Asset
from amp.domain.ids import created_ms
from amp.errors import BadCursor, InvalidId
from amp.ports.asset_listing import IdPage, OrphanedListing


class SqliteAssetListing:
    """A position is a digest of the listing's filters, followed by the last id returned, which contains the creation
    time of its asset.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        *,
        type_name: str | None = None,
        project: str | None = None,
        from_ms: int | None = None,
        to_ms: int | None = None,
        position: str | None,
        limit: int,
    ) -> IdPage:
        digest = hashlib.blake2s(orjson.dumps([type_name, project, from_ms, to_ms]), digest_size=8).hexdigest()
        # SQLite uses the partial indexes only if the condition has the same text as theirs.
        conditions = ["state <> 'purged'"]
        values: list[str | int | bytes] = []
        if type_name is not None:
            conditions.append("type = ?")
            values.append(type_name)
        if project is not None:
            conditions.append("project = ?")
            values.append(project)
        if position is not None:
            conditions.append("(created_ms, id) > (?, ?)")
            values += _parse_position(position, digest)
        elif from_ms is not None:
            # Not together with a position, which lies beyond it: of two lower bounds, SQLite may start at either.
            conditions.append("created_ms >= ?")
            values.append(from_ms)
        if to_ms is not None:
            conditions.append("created_ms < ?")
            values.append(to_ms)
        query = f"SELECT id FROM assets WHERE {' AND '.join(conditions)} ORDER BY created_ms, id LIMIT ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (*values, limit + 1)).fetchall()
        ids = tuple(UUID(bytes=row[0]) for row in rows[:limit])
        return IdPage(ids, digest + ids[-1].hex if ids and len(rows) > limit else None)

    def unlisted(self, assets: Sequence[Asset]) -> dict[UUID, tuple[str, ...]]:  # noqa: ARG002 - lists are indexes
        return {}

    def add(self, assets: Sequence[Asset]) -> None:
        """Do nothing: the indexes list every head."""

    def orphans(
        self,
        ids: Collection[UUID],  # noqa: ARG002 - as above
        types: Collection[str],  # noqa: ARG002
        projects: Collection[str],  # noqa: ARG002
    ) -> list[OrphanedListing]:
        return []

    def drop(self, orphans: Sequence[OrphanedListing]) -> None:
        """Do nothing: indexes have no orphans."""

    def remove(self, assets: Sequence[Asset]) -> None:
        """Do nothing: the indexes do not contain purged heads."""


def _parse_position(position: str, digest: str) -> tuple[int, bytes]:
    try:
        last = UUID(hex=position.removeprefix(digest))
        if digest + last.hex != position:
            raise ValueError("the position belongs to another listing or was altered")
        return created_ms(last), last.bytes
    except (ValueError, InvalidId) as e:
        raise BadCursor("the position does not belong to this listing") from e
