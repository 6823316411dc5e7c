"""When the lives of an asset began and ended, in the time of its conditional writes, which never goes back."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from amp.adapters.cassandra.session import CassandraSession, Request
from amp.domain.assets import Asset

_HEAD = "SELECT WRITETIME(revision), revision FROM {ks}.assets WHERE id = ? LIMIT 1"
_CHANGE = (
    "SELECT WRITETIME(row_revision) FROM {ks}.assets "
    "WHERE id = ? AND row_kind = 'change' AND number = 0 AND change_id = ?"
)


def head_times_us(session: CassandraSession, asset_ids: Iterable[UUID]) -> dict[UUID, int]:
    """When the head of each asset was written last, in microseconds; assets without a head left out.

    Conditional writes of one asset have increasing times, whatever the clocks of hosts say. So what is written at a
    later time than a purged head is safe from everything that was removed as of that purge.

    :raises StoreUnavailable: the store does not answer.
    """
    ids = list(dict.fromkeys(asset_ids))
    answers = session.rows_of_many([(_HEAD, (asset_id,)) for asset_id in ids])
    return {asset_id: rows[0][0] for asset_id, rows in zip(ids, answers, strict=True) if rows and rows[0][0]}


def purge_times_us(session: CassandraSession, purged: Sequence[Asset]) -> dict[UUID, int]:
    """When each of these assets, which are not stripped, was purged, in microseconds; those left out for which it is
    not known any more.

    :raises StoreUnavailable: the store does not answer.
    """
    requests: list[Request] = [(_CHANGE, (asset.id, asset.change_id)) for asset in purged]
    requests += [(_HEAD, (asset.id,)) for asset in purged]
    answers = session.rows_of_many(requests)
    times: dict[UUID, int] = {}
    for asset, change, head in zip(purged, answers[: len(purged)], answers[len(purged) :], strict=True):
        if change and change[0][0]:
            times[asset.id] = change[0][0]
        elif head and head[0][1] == asset.revision:
            # The row of the change has expired.
            times[asset.id] = head[0][0]
    return times
