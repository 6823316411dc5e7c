"""A part of shared servers that one test, or one run of the tests, has to itself."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any

import redis
from confluent_kafka.admin import AdminClient

from tests.support.stack.stack import Stack


@dataclass(frozen=True)
class Namespace:
    """One name in front of everything that is made."""

    prefix: str
    keyspace: str

    @classmethod
    def unique(cls, keyspace: str | None = None) -> Namespace:
        """A new one, with this keyspace or a new one too."""
        prefix = f"test{uuid.uuid4().hex[:12]}"
        return cls(prefix, keyspace or prefix)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "AMP_CASSANDRA_KEYSPACE": self.keyspace,
            "AMP_KAFKA_TOPIC_PREFIX": self.prefix,
            "AMP_ELASTICSEARCH_INDEX_PREFIX": self.prefix,
            "AMP_REDIS_PREFIX": self.prefix,
        }

    def remove_from(self, stack: Stack) -> None:
        """Leaves nothing behind on own servers but the keyspace: thousands of old shards would slow down later runs."""
        if stack.elasticsearch.ours and stack.elasticsearch.answers():
            self._remove_indices(stack.elasticsearch.address)
        if stack.kafka.ours and stack.kafka.answers():
            self._remove_topics(stack.kafka.address)
        if stack.redis.ours and stack.redis.answers():
            with redis.Redis.from_url(stack.redis.address) as client:
                for key in client.scan_iter(f"{self.prefix}:*", count=1000):
                    client.delete(key)

    def _remove_indices(self, url: str) -> None:
        listed = _elasticsearch("GET", f"{url}/_cat/indices/{self.prefix}*?format=json&h=index&expand_wildcards=all")
        for row in listed:
            _elasticsearch("DELETE", f"{url}/{row['index']}")
        for kind in ("index_template", "component_template"):
            found = _elasticsearch("GET", f"{url}/_{kind}/{self.prefix}*")
            for row in found.get(f"{kind}s", []):
                _elasticsearch("DELETE", f"{url}/_{kind}/{row['name']}")

    def _remove_topics(self, bootstrap: str) -> None:
        admin = AdminClient({"bootstrap.servers": bootstrap})
        topics = [name for name in admin.list_topics(timeout=30).topics if name.startswith(f"{self.prefix}.")]
        if topics:
            for outcome in admin.delete_topics(topics).values():
                outcome.result()


def _elasticsearch(method: str, url: str) -> Any:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            # Nothing of that name: nothing to remove.
            if error.code == 404:
                return {}
            raise
