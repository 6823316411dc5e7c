"""The configuration of Kafka clients, the names of topics and groups, and the translation of Kafka's errors."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from amp.errors import NotMigrated, QueueUnavailable
from amp.settings import Settings

#: Receives librdkafka's own messages, which would otherwise go straight to stderr.
client_log = logging.getLogger("amp.kafka")


def topic_name(settings: Settings, topic: str) -> str:
    return f"{settings.kafka_topic_prefix}.{topic}"


def group_name(settings: Settings, group: str) -> str:
    return f"{settings.kafka_topic_prefix}.{group}"


def client_config(settings: Settings) -> dict[str, Any]:
    """Return the configuration that all clients share: address, login, and timeouts short enough to notice soon that a
    broker is available again.
    """
    config: dict[str, Any] = {
        "bootstrap.servers": settings.kafka_bootstrap,
        "client.id": settings.kafka_topic_prefix,
        "socket.timeout.ms": 10_000,
        "socket.connection.setup.timeout.ms": 5_000,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1_000,
        "logger": client_log,
    }
    tls, user = settings.kafka_tls_ca is not None, settings.kafka_user is not None
    if tls:
        config["ssl.ca.location"] = str(settings.kafka_tls_ca)
    if user:
        password = settings.kafka_password
        config |= {
            "sasl.mechanisms": "PLAIN",
            "sasl.username": settings.kafka_user,
            "sasl.password": password.get_secret_value() if password else "",
        }
    if tls or user:
        config["security.protocol"] = ("SASL_" if user else "") + ("SSL" if tls else "PLAINTEXT")
    return config


def error_of(exception: KafkaException) -> KafkaError:
    error: KafkaError = exception.args[0]
    return error


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Translate errors of the driver. The message begins with `action`, which says what was attempted.

    :raises NotMigrated: a topic does not exist.
    :raises QueueUnavailable: any other error of the driver, or a timeout.
    """
    try:
        yield
    except TimeoutError as e:
        raise QueueUnavailable(f"{action}: no answer in time") from e
    except KafkaException as e:
        error = error_of(e)
        if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            raise NotMigrated(f"{action}: {error.str()}; run `amp migrate`") from e
        raise QueueUnavailable(f"{action}: {error.str()}") from e
