"""Leases in Cassandra: a cell each, written on conditions, that ends by itself."""

from amp.adapters.cassandra.session import CassandraSession, Mode
from amp.adapters.cassandra.settling import settled

# An update and never an insert: the mark that an insert leaves of the row could outlast a holder who renews for less.
_TAKE = "UPDATE {ks}.leases USING TTL ? SET holder = ? WHERE name = ? IF holder IN (null, ?)"
_HOLDER = "SELECT holder FROM {ks}.leases WHERE name = ?"
_RELEASE = "DELETE FROM {ks}.leases WHERE name = ? IF holder = ?"

#: Cassandra counts in whole seconds, the one that has begun included.
_ROUNDING_S = 1


class CassandraLeases:
    """`Leases`. Conditional writes only."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def acquire(self, name: str, holder: str, ttl_s: int) -> bool:
        if ttl_s < 1:
            raise ValueError(f"a lease of {ttl_s} s")
        values = (ttl_s + _ROUNDING_S, holder, name, holder)
        return settled(
            lambda: bool(self._session.run(_TAKE, values, Mode.CONDITIONAL)[0]["[applied]"]),
            lambda: False if self._is_of_another(name, holder) else None,
        )

    def release(self, name: str, holder: str) -> None:
        self._session.run(_RELEASE, (name, holder), Mode.CONDITIONAL)

    def _is_of_another(self, name: str, holder: str) -> bool:
        # A lease that is found to be one's own is taken once more: some of its time went by while the answer got lost.
        rows = self._session.run(_HOLDER, (name,), Mode.SERIAL)
        return bool(rows) and rows[0][0] != holder
