"""The data centres that have replicas of the keyspace, and the check that AMP may run with them."""

from collections.abc import Collection

from cassandra.metadata import Metadata, NetworkTopologyStrategy  # type: ignore[import-untyped]  # comes without types

from amp.datacenters import split_conditions
from amp.errors import BadSetting
from amp.settings import Settings


def local_datacenter(settings: Settings) -> str:
    """Return the data centre whose servers AMP uses; empty: the data centre of the first host."""
    return settings.cassandra_writing_datacenter or settings.cassandra_datacenter or ""


def refuse_split_conditions(datacenters: Collection[str], settings: Settings) -> None:
    """Check that the settings fit the data centres that have replicas.

    :raises BadSetting: they do not fit; the message says which values would be right.
    """
    problem = split_conditions(
        datacenters,
        keyspace=settings.cassandra_keyspace,
        writing=settings.cassandra_writing_datacenter,
        consistency=settings.cassandra_consistency,
        serial=settings.cassandra_serial_consistency,
    )
    if problem is not None:
        raise BadSetting(problem)


def replicated_datacenters(metadata: Metadata, settings: Settings) -> set[str]:
    """Return the data centres that have replicas of the keyspace, or will have them once it is created."""
    keyspace = metadata.keyspaces.get(settings.cassandra_keyspace)
    if keyspace is None and (configured := set(settings.cassandra_replication)):
        return configured
    strategy = None if keyspace is None else keyspace.replication_strategy
    if isinstance(strategy, NetworkTopologyStrategy):
        return {name for name, count in strategy.dc_replication_factors.items() if count > 0}
    # Any other strategy places replicas on servers of all data centres.
    return {host.datacenter for host in metadata.all_hosts() if host.datacenter}
