"""The asset ids that jobs were submitted with, in Cassandra: one partition per job."""

from collections.abc import Sequence
from uuid import UUID

from amp.adapters.cassandra.session import CassandraSession

_KEEP = "INSERT INTO {ks}.job_ids (job_id, number, ids) VALUES (?, ?, ?)"
_GET = "SELECT ids FROM {ks}.job_ids WHERE job_id = ? AND number = ?"
_FORGET = "DELETE FROM {ks}.job_ids WHERE job_id = ?"


class CassandraJobIds:
    """Implements `JobIds`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def keep(self, job_id: UUID, blocks: Sequence[Sequence[UUID]]) -> None:
        self._session.rows_of_many([(_KEEP, (job_id, number, list(ids))) for number, ids in enumerate(blocks)])

    def get(self, job_id: UUID, number: int) -> tuple[UUID, ...] | None:
        rows = self._session.run(_GET, (job_id, number))
        return tuple(rows[0][0] or ()) if rows else None

    def forget(self, job_id: UUID) -> None:
        self._session.run(_FORGET, (job_id,))
