"""The four servers as seen from outside: their names, settings and signs of life."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.stack import probes


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What sets one server apart from the others for those who use it."""

    name: str
    #: The environment variable that holds its address.
    setting: str
    #: Its address as that variable wants it.
    address: str
    #: Where it listens unless a setting says otherwise.
    usual_port: int
    #: Is there a sign of life?
    answers: Callable[[str, int], bool]
    #: Does it serve? Where that is more than answering.
    ready: Callable[[str, int], bool]


CASSANDRA = Kind(
    name="cassandra",
    setting="AMP_CASSANDRA_HOSTS",
    address="{host}:{port}",
    usual_port=9042,
    answers=probes.cassandra_answers,
    ready=probes.cassandra_answers,
)
KAFKA = Kind(
    name="kafka",
    setting="AMP_KAFKA_BOOTSTRAP",
    address="{host}:{port}",
    usual_port=9092,
    answers=probes.kafka_answers,
    ready=probes.kafka_answers,
)
ELASTICSEARCH = Kind(
    name="elasticsearch",
    setting="AMP_ELASTICSEARCH_URL",
    address="http://{host}:{port}",
    usual_port=9200,
    # An index in trouble turns the whole cluster red, so red is no reason to call a running server dead.
    answers=lambda host, port: probes.elasticsearch_health(host, port) is not None,
    # After a start it is red until the shards on its disk are open.
    ready=lambda host, port: probes.elasticsearch_health(host, port) not in (None, "red"),
)
REDIS = Kind(
    name="redis",
    setting="AMP_REDIS_URL",
    address="redis://{host}:{port}/0",
    usual_port=6379,
    answers=probes.redis_answers,
    ready=probes.redis_answers,
)

KINDS = (CASSANDRA, KAFKA, ELASTICSEARCH, REDIS)
NAMES = tuple(kind.name for kind in KINDS)
