"""Chunks of jobs in Cassandra: one partition each, with a row for each time that results were recorded."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid1

from amp.adapters.cassandra.session import CassandraSession, Mode, Request
from amp.adapters.cassandra.settling import settle
from amp.domain.chunks import Chunk, ItemOutcome, ItemResult
from amp.domain.storable_text import storable_reason

# A conditional write gets its timestamp from the servers, a plain write from this process, and the later one wins. The
# two kinds never write the same cell: static columns are written only conditionally, rows of results never. Both are
# deleted long after either write, because only ended jobs are forgotten.
_BEGIN = "INSERT INTO {ks}.job_chunks (job_id, number, ids, passed, position) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS"
_GET = "SELECT job_id, number, ids, passed, position FROM {ks}.job_chunks WHERE job_id = ? AND number = ? LIMIT 1"
_RECORD = "INSERT INTO {ks}.job_chunks (job_id, number, recorded_at, results) VALUES (?, ?, ?, ?)"
_RESULTS = "SELECT results FROM {ks}.job_chunks WHERE job_id = ? AND number = ? ORDER BY recorded_at"
_LATEST = "SELECT recorded_at FROM {ks}.job_chunks WHERE job_id = ? AND number = ? ORDER BY recorded_at DESC LIMIT 1"
_FORGET = "DELETE FROM {ks}.job_chunks WHERE job_id = ? AND number = ?"

#: Maximum number of different results in one row, because notes may be long.
_MAX_RESULTS_PER_ROW = 64


class CassandraJobChunks:
    """Implements `JobChunks`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def begin(self, chunk: Chunk) -> Chunk:
        values = (chunk.job_id, chunk.number, chunk.ids, chunk.passed, chunk.position)
        applied = settle(
            lambda: bool(self._session.run(_BEGIN, values, Mode.CONDITIONAL)[0]["[applied]"]),
            lambda: False if self._read(chunk.job_id, chunk.number, Mode.SERIAL) else None,
        )
        return chunk if applied else self._read(chunk.job_id, chunk.number, Mode.SERIAL) or chunk

    def get(self, job_id: UUID, number: int) -> Chunk | None:
        return self._read(job_id, number, Mode.PLAIN)

    def record(self, job_id: UUID, results: Mapping[int, Mapping[UUID, ItemResult]]) -> None:
        requests: list[Request] = []
        latest = self._session.rows_of_many([(_LATEST, (job_id, number)) for number in results])
        for (number, chunk_results), rows in zip(results.items(), latest, strict=True):
            latest_at = rows[0][0] if rows else None
            ids: dict[tuple[str, str], list[UUID]] = defaultdict(list)
            for asset_id, result in chunk_results.items():
                ids[result.outcome.value, storable_reason(result.note)].append(asset_id)
            groups = [(*result, asset_ids) for result, asset_ids in ids.items()]
            for at in range(0, len(groups), _MAX_RESULTS_PER_ROW):
                latest_at = _time_after(latest_at)
                requests.append((_RECORD, (job_id, number, latest_at, groups[at : at + _MAX_RESULTS_PER_ROW])))
        self._session.rows_of_many(requests)

    def results(self, job_id: UUID, number: int) -> dict[UUID, ItemResult]:
        # Before any result is recorded, the static columns alone produce a row of nulls.
        return {
            asset_id: ItemResult(ItemOutcome(outcome), note)
            for (row,) in self._session.run(_RESULTS, (job_id, number))
            for outcome, note, ids in row or ()
            for asset_id in ids
        }

    def forget(self, job_id: UUID, numbers: Sequence[int]) -> None:
        self._session.rows_of_many([(_FORGET, (job_id, number)) for number in numbers])

    def _read(self, job_id: UUID, number: int, mode: Mode) -> Chunk | None:
        rows = self._session.run(_GET, (job_id, number), mode)
        # If there are only results, the row has empty static columns.
        return _chunk_of(rows[0]) if rows and rows[0][3] is not None else None


def _time_after(latest: UUID | None) -> UUID:
    """Return the present time, but later than the latest record, whose host's clock may be ahead of this one's."""
    now = uuid1()
    if latest is None or now.time > latest.time:
        return now
    time = latest.time + 1
    return UUID(fields=(time & 0xFFFFFFFF, time >> 32 & 0xFFFF, time >> 48 & 0x0FFF, *now.fields[3:]), version=1)


def _chunk_of(row: tuple[Any, ...]) -> Chunk:
    job_id, number, ids, passed, position = row
    return Chunk(job_id=job_id, number=number, ids=tuple(ids or ()), passed=passed, position=position)
