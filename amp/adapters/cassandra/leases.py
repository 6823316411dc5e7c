"""Leases in Cassandra: one cell each, which is written conditionally and expires by itself."""

from amp.adapters.cassandra.session import CassandraSession, Mode
from amp.adapters.cassandra.settling import settle

# Always an UPDATE, never an INSERT: the row marker that an INSERT writes could outlive a holder that renews for a
# shorter time.
_ACQUIRE = "UPDATE {ks}.leases USING TTL ? SET holder = ? WHERE name = ? IF holder IN (null, ?)"
_HOLDER = "SELECT holder FROM {ks}.leases WHERE name = ?"
_RELEASE = "DELETE FROM {ks}.leases WHERE name = ? IF holder = ?"

#: Cassandra counts whole seconds, including the one that has already begun.
_ROUNDING_S = 1


class CassandraLeases:
    """Implements `Leases` by conditional writes only."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def acquire(self, name: str, holder: str, ttl_s: int) -> bool:
        if ttl_s < 1:
            raise ValueError(f"the duration of a lease must be at least 1 s, not {ttl_s} s")
        values = (ttl_s + _ROUNDING_S, holder, name, holder)
        return settle(
            lambda: bool(self._session.run(_ACQUIRE, values, Mode.CONDITIONAL)[0]["[applied]"]),
            lambda: False if self._is_held_by_another(name, holder) else None,
        )

    def release(self, name: str, holder: str) -> None:
        self._session.run(_RELEASE, (name, holder), Mode.CONDITIONAL)

    def _is_held_by_another(self, name: str, holder: str) -> bool:
        # If the holder has the lease already, it is acquired again: some of its time passed while the answer was lost.
        rows = self._session.run(_HOLDER, (name,), Mode.SERIAL)
        return bool(rows) and rows[0][0] != holder
