"""The times at which assets were written and purged: timestamps of conditional writes, which only increase."""

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
    """Return the time of the last write of each asset's head, in microseconds. Assets without a head are left out.

    Conditional writes of one asset have increasing timestamps, even if the clocks of hosts differ. So a row that is
    written at a later timestamp than a purged head is not affected by removals that are dated to that purge.

    :raises StoreUnavailable: the store does not answer.
    """
    ids = list(dict.fromkeys(asset_ids))
    answers = session.rows_of_many([(_HEAD, (asset_id,)) for asset_id in ids])
    return {asset_id: rows[0][0] for asset_id, rows in zip(ids, answers, strict=True) if rows and rows[0][0]}


def purge_times_us(session: CassandraSession, purged: Sequence[Asset]) -> dict[UUID, int]:
    """Return the time at which each of these assets was purged, in microseconds. If the time is no longer known, the
    asset is left out. The assets must not be stripped.

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
