"""Data centres: conditions are decided in one of them, or by all of them together."""

from collections.abc import Collection

from cassandra.metadata import Metadata, NetworkTopologyStrategy  # type: ignore[import-untyped]  # comes without types

from amp.errors import BadSetting
from amp.settings import Settings, variable


def local_datacenter(settings: Settings) -> str:
    """The data centre whose servers are asked; empty: that of the first host.

    :raises BadSetting: it is not the one that may be written in.
    """
    writing, local = settings.cassandra_writing_datacenter, settings.cassandra_datacenter
    if writing and local and writing != local:
        raise BadSetting(
            f"{variable('cassandra_datacenter')}={local!r}: AMP runs in the writing data centre alone, which is "
            f"{writing!r} ({variable('cassandra_writing_datacenter')})"
        )
    return writing or local or ""


def refuse_split_conditions(datacenters: Collection[str], settings: Settings) -> None:
    """Refuses settings by which two data centres that hold replicas would each decide conditions alone, or would answer
    reads without what the other has written.

    :raises BadSetting: says what would be right.
    """
    writing = settings.cassandra_writing_datacenter
    if len(datacenters) < 2:
        return
    names = ", ".join(sorted(datacenters))
    if writing is not None:
        if writing not in datacenters:
            raise BadSetting(
                f"{variable('cassandra_writing_datacenter')}={writing!r} has no replicas; these have: {names}"
            )
        return
    consistency, serial = settings.cassandra_consistency, settings.cassandra_serial_consistency
    if serial == "SERIAL" and consistency == "QUORUM":
        return
    raise BadSetting(
        f"the keyspace {settings.cassandra_keyspace} has replicas in several data centres ({names}), where "
        f"{serial} with {consistency} lets two writers both win; name the one in which AMP runs by "
        f"{variable('cassandra_writing_datacenter')}, or set {variable('cassandra_serial_consistency')}=SERIAL and "
        f"{variable('cassandra_consistency')}=QUORUM"
    )


def configured_datacenters(settings: Settings) -> set[str]:
    """Those that the settings give replicas to; empty: they name none."""
    return set(settings.cassandra_replication)


def replicated_datacenters(metadata: Metadata, settings: Settings) -> set[str]:
    """Those that hold replicas of the keyspace, or will once it is made."""
    keyspace = metadata.keyspaces.get(settings.cassandra_keyspace)
    if keyspace is None and (configured := configured_datacenters(settings)):
        return configured
    strategy = None if keyspace is None else keyspace.replication_strategy
    if isinstance(strategy, NetworkTopologyStrategy):
        return {name for name, count in strategy.dc_replication_factors.items() if count > 0}
    # Any other strategy takes servers wherever they are.
    return {host.datacenter for host in metadata.all_hosts() if host.datacenter}
