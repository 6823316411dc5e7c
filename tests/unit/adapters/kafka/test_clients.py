"""How Kafka's clients are configured, and what becomes of a producer that failed for good; no broker needed."""

import threading
from pathlib import Path
from typing import Any

import certifi
import pytest
from confluent_kafka import KafkaError

from amp.adapters.kafka import producer as producer_module
from amp.adapters.kafka.connection import client_config
from amp.adapters.kafka.producer import MessageProducer
from amp.settings import load_settings
from tests.support.background import background_threads

_CA = Path(certifi.where())


def config_of(**overrides: object) -> dict[str, Any]:
    return client_config(load_settings(overrides))


def test_without_user_and_ca_nothing_is_encrypted_or_signed_in() -> None:
    config = config_of()
    assert "security.protocol" not in config
    assert not any(name.startswith(("sasl", "ssl")) for name in config)


@pytest.mark.parametrize(
    ("overrides", "protocol"),
    [
        ({"kafka_user": "amp", "kafka_password": "secret"}, "SASL_PLAINTEXT"),
        ({"kafka_user": "amp", "kafka_password": "secret", "kafka_tls_ca": _CA}, "SASL_SSL"),
        ({"kafka_tls_ca": _CA}, "SSL"),
    ],
)
def test_a_user_signs_in_and_a_ca_encrypts(overrides: dict[str, object], protocol: str) -> None:
    config = config_of(**overrides)
    assert config["security.protocol"] == protocol
    if "kafka_user" in overrides:
        assert (config["sasl.username"], config["sasl.password"]) == ("amp", "secret")
    if "kafka_tls_ca" in overrides:
        assert config["ssl.ca.location"] == str(_CA)


def test_nothing_connects_before_the_first_message() -> None:
    producer = MessageProducer(load_settings({"kafka_bootstrap": "nosuchhost.invalid"}), background_threads())
    assert producer.flush(0)
    producer.close()


class StandIn:
    """A driver's producer that takes everything and fails for good only when told: no broker does that on demand."""

    def __init__(self, _config: dict[str, Any]) -> None:
        self.taken: list[bytes] = []

    def produce(self, _topic: str, *, value: bytes, **_more: object) -> None:
        self.taken.append(value)

    def poll(self, timeout_s: float) -> int:
        threading.Event().wait(timeout_s)
        return 0

    def __len__(self) -> int:
        return 0


def test_a_producer_is_replaced_only_after_a_permanent_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[StandIn] = []

    def make(config: dict[str, Any]) -> StandIn:
        made.append(StandIn(config))
        return made[-1]

    monkeypatch.setattr(producer_module, "Producer", make)
    producer = MessageProducer(load_settings({}), background_threads())

    def send(value: bytes) -> None:
        producer.send("topic", key=None, value=value, report=lambda _error: None)

    send(b"1")
    producer.on_error(KafkaError(KafkaError._TRANSPORT))
    send(b"2")
    producer.on_error(KafkaError(KafkaError._FATAL))
    send(b"3")
    send(b"4")
    assert [one.taken for one in made] == [[b"1", b"2"], [b"3", b"4"]]
    producer.close()
