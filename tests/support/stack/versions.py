"""The pinned versions of the servers, and the coordinates and images they come from."""

from __future__ import annotations

CASSANDRA = "5.0.4"
KAFKA = "3.9.1"
ELASTICSEARCH = "8.19.0"
#: The image only; as a plain process it is whichever `redis-server` the machine has.
REDIS = "7.0.15"

JAVA = 17

CASSANDRA_JARS = (f"org.apache.cassandra:cassandra-all:{CASSANDRA}",)
#: Kafka ships no log backend among its dependencies; without one it is silent about why it does not start.
KAFKA_JARS = (f"org.apache.kafka:kafka_2.13:{KAFKA}", "org.slf4j:slf4j-simple:1.7.36")
ELASTICSEARCH_ZIP = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{ELASTICSEARCH}:zip"

CASSANDRA_IMAGE = f"cassandra:{CASSANDRA}"
KAFKA_IMAGE = f"apache/kafka:{KAFKA}"
ELASTICSEARCH_IMAGE = f"elasticsearch:{ELASTICSEARCH}"
REDIS_IMAGE = f"redis:{REDIS}"

DEBIAN_PACKAGES = {"java": "openjdk-17-jre-headless", "mvn": "maven", "redis-server": "redis-server"}
