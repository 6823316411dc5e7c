"""Data centres of the store: conditions are decided in one of them, or by all of them together."""

from collections.abc import Collection


def split_conditions(
    datacenters: Collection[str], *, keyspace: str, writing: str | None, consistency: str, serial: str
) -> str | None:
    """Why two data centres that hold replicas would each decide conditions alone, or would answer reads without what
    the other has written, and what would be right; None: they do not.

    :param datacenters: those that hold replicas of the keyspace.
    :param writing: the one in which all of AMP runs; None: in any.
    """
    if len(datacenters) < 2:
        return None
    names = ", ".join(sorted(datacenters))
    if writing is not None:
        if writing in datacenters:
            return None
        return f"AMP_CASSANDRA_WRITING_DATACENTER={writing!r} has no replicas; these have: {names}"
    if serial == "SERIAL" and consistency == "QUORUM":
        return None
    return (
        f"the keyspace {keyspace} has replicas in several data centres ({names}), where {serial} with {consistency} "
        "lets two writers both win; name the one in which AMP runs by AMP_CASSANDRA_WRITING_DATACENTER, or set "
        "AMP_CASSANDRA_SERIAL_CONSISTENCY=SERIAL and AMP_CASSANDRA_CONSISTENCY=QUORUM"
    )
