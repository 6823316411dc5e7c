"""The asset ids that the selections of jobs find, in Cassandra: one partition per job."""

from collections.abc import Collection
from uuid import UUID

from amp.adapters.cassandra.session import CassandraSession

_ADD = "INSERT INTO {ks}.found_ids (job_id, day, asset_id) VALUES (?, ?, ?)"
_FROM_FIRST = "SELECT asset_id FROM {ks}.found_ids WHERE job_id = ? AND day = ? LIMIT ?"
_AFTER = "SELECT asset_id FROM {ks}.found_ids WHERE job_id = ? AND day = ? AND asset_id > ? LIMIT ?"
_AMONG = "SELECT asset_id FROM {ks}.found_ids WHERE job_id = ? AND day = ? AND asset_id IN ?"
_FIRST_DAY = "SELECT day FROM {ks}.found_ids WHERE job_id = ? AND day >= ? LIMIT 1"
_FORGET = "DELETE FROM {ks}.found_ids WHERE job_id = ?"

#: Ids in one condition.
_IDS_AT_ONCE = 500


class CassandraFoundIds:
    """Implements `FoundIds`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def add(self, job_id: UUID, day: int, ids: Collection[UUID]) -> None:
        self._session.rows_of_many([(_ADD, (job_id, day, asset_id)) for asset_id in ids])

    def page(self, job_id: UUID, day: int, after: UUID | None, limit: int) -> tuple[UUID, ...]:
        if after is None:
            rows = self._session.run(_FROM_FIRST, (job_id, day, limit))
        else:
            rows = self._session.run(_AFTER, (job_id, day, after, limit))
        return tuple(row[0] for row in rows)

    def among(self, job_id: UUID, day: int, ids: Collection[UUID]) -> frozenset[UUID]:
        wanted = list(ids)
        parts = [wanted[at : at + _IDS_AT_ONCE] for at in range(0, len(wanted), _IDS_AT_ONCE)]
        answers = self._session.rows_of_many([(_AMONG, (job_id, day, part)) for part in parts])
        return frozenset(row[0] for rows in answers for row in rows)

    def first_day(self, job_id: UUID, day: int) -> int | None:
        rows = self._session.run(_FIRST_DAY, (job_id, day))
        return rows[0][0] if rows else None

    def forget(self, job_id: UUID) -> None:
        self._session.run(_FORGET, (job_id,))
