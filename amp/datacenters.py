"""Data centres of the store: conditional writes must be decided in one of them, or by all of them together."""

from collections.abc import Collection


def split_conditions(
    datacenters: Collection[str], *, keyspace: str, writing: str | None, consistency: str, serial: str
) -> str | None:
    """Return None if the settings are safe. Otherwise return why two data centres would each decide conditional writes
    alone, or would answer reads without the writes of the other, and what would be right.

    :param datacenters: the data centres that have replicas of the keyspace.
    :param writing: the data centre in which all of AMP runs; None: any.
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
        "lets two writers both win; set AMP_CASSANDRA_WRITING_DATACENTER to the one in which AMP runs, or set "
        "AMP_CASSANDRA_SERIAL_CONSISTENCY=SERIAL and AMP_CASSANDRA_CONSISTENCY=QUORUM"
    )
