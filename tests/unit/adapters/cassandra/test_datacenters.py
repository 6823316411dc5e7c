"""Settings by which two data centres would both decide conditions are refused before anything is sent."""

from typing import Any

import pytest
from cassandra.metadata import KeyspaceMetadata, Metadata

from amp.adapters.cassandra.datacenters import refuse_split_conditions, replicated_datacenters
from amp.adapters.cassandra.session import CassandraSession
from amp.errors import BadSetting
from amp.settings import Settings, load_settings

TWO = {"cassandra_replication": "east:3,west:3"}


def settings(**values: Any) -> Settings:
    return load_settings(values)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"cassandra_consistency": "QUORUM"},
        {"cassandra_serial_consistency": "SERIAL"},
        {"cassandra_serial_consistency": "SERIAL", "cassandra_consistency": "ONE"},
        {"cassandra_datacenter": "east"},
    ],
)
def test_data_centres_that_decide_alone_stop_the_start_with_the_remedy(values: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match=r"AMP_CASSANDRA_WRITING_DATACENTER.*AMP_CASSANDRA_SERIAL_CONSISTENCY=SERIAL"):
        settings(**TWO, **values)


@pytest.mark.parametrize(
    "values",
    [
        TWO | {"cassandra_writing_datacenter": "east"},
        TWO | {"cassandra_writing_datacenter": "east", "cassandra_datacenter": "east"},
        TWO | {"cassandra_serial_consistency": "SERIAL", "cassandra_consistency": "QUORUM"},
        {"cassandra_replication": "east:3"},
        {},
    ],
)
def test_one_that_decides_or_all_together_are_accepted(values: dict[str, str]) -> None:
    CassandraSession(settings(**values)).close()


def test_a_writing_data_centre_without_replicas_is_refused() -> None:
    with pytest.raises(BadSetting, match="'north' has no replicas; these have: east, west"):
        settings(**TWO, cassandra_writing_datacenter="north")


def test_a_process_outside_of_the_writing_data_centre_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"AMP_CASSANDRA_DATACENTER='west'.*'east'"):
        settings(**TWO, cassandra_writing_datacenter="east", cassandra_datacenter="west")


def metadata_of(strategy: str, options: dict[str, str]) -> Metadata:
    metadata = Metadata()
    metadata.keyspaces["amp"] = KeyspaceMetadata("amp", True, strategy, options)
    return metadata


def test_what_the_keyspace_says_counts_and_not_what_the_settings_say() -> None:
    altered = metadata_of("NetworkTopologyStrategy", {"east": "3", "west": "3", "north": "0"})
    one = settings(cassandra_replication="east:3")
    assert replicated_datacenters(altered, one) == {"east", "west"}
    with pytest.raises(BadSetting, match="east, west"):
        refuse_split_conditions(replicated_datacenters(altered, one), one)


def test_before_the_keyspace_is_made_the_settings_count() -> None:
    assert replicated_datacenters(Metadata(), settings(cassandra_replication="east:3")) == {"east"}
