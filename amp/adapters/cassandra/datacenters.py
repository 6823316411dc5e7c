"""Which data centres hold replicas of the keyspace, and whether AMP may run where it does."""

from collections.abc import Collection

from cassandra.metadata import Metadata, NetworkTopologyStrategy  # type: ignore[import-untyped]  # comes without types

from amp.datacenters import split_conditions
from amp.errors import BadSetting
from amp.settings import Settings


def local_datacenter(settings: Settings) -> str:
    """The data centre whose servers are asked; empty: that of the first host."""
    return settings.cassandra_writing_datacenter or settings.cassandra_datacenter or ""


def refuse_split_conditions(datacenters: Collection[str], settings: Settings) -> None:
    """Refuses settings that do not fit the data centres which turned out to hold replicas.

    :raises BadSetting: says what would be right.
    """
    fault = split_conditions(
        datacenters,
        keyspace=settings.cassandra_keyspace,
        writing=settings.cassandra_writing_datacenter,
        consistency=settings.cassandra_consistency,
        serial=settings.cassandra_serial_consistency,
    )
    if fault is not None:
        raise BadSetting(fault)


def replicated_datacenters(metadata: Metadata, settings: Settings) -> set[str]:
    """Those that hold replicas of the keyspace, or will once it is made."""
    keyspace = metadata.keyspaces.get(settings.cassandra_keyspace)
    if keyspace is None and (configured := set(settings.cassandra_replication)):
        return configured
    strategy = None if keyspace is None else keyspace.replication_strategy
    if isinstance(strategy, NetworkTopologyStrategy):
        return {name for name, count in strategy.dc_replication_factors.items() if count > 0}
    # Any other strategy takes servers wherever they are.
    return {host.datacenter for host in metadata.all_hosts() if host.datacenter}
