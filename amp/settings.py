"""Typed settings, read once from `AMP_…` environment variables and passed down."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from amp.datacenters import split_conditions
from amp.errors import BadSetting
from amp.printable import is_printable
from amp.setting_display import displayed, is_secret
from amp.setting_types import (
    Bytes,
    CaFile,
    CassandraHosts,
    Count,
    ElasticsearchUrls,
    Folder,
    Host,
    Hosts,
    KafkaBrokers,
    Name,
    Origins,
    Port,
    Rate,
    RedisUrl,
    Replication,
    RetentionSeconds,
    Seconds,
    ServerUrl,
    Share,
    at_most,
)

_SURROGATES = re.compile("[\ud800-\udfff]")


class Settings(BaseSettings):
    """All settings of AMP. The environment variable of each is `AMP_` and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="AMP_", frozen=True, extra="forbid")

    profile: Literal["embedded", "cluster"] = Field("embedded", description="profile to run: embedded or cluster")
    host: Host = Field("127.0.0.1", description="address that the API listens on")
    port: Port = Field(8080, description="port that the API listens on")
    processes: Annotated[int, at_most(256)] = Field(
        2, description="number of API processes in the cluster profile (the embedded profile has one)"
    )
    threads: Annotated[int, at_most(1_024)] = Field(
        16, description="threads of each API process for requests to the store"
    )
    search_threads: Annotated[int, at_most(1_024)] = Field(
        8, description="threads of each API process for searches, in addition to AMP_THREADS"
    )
    waiting_threads: Annotated[int, at_most(1_024)] = Field(
        32, description="threads of each API process for writes with `wait_for`, in addition to AMP_THREADS"
    )
    queue_timeout_s: Seconds = Field(
        5.0, description="how long a request waits for a thread before it is refused with 503, in seconds"
    )
    head_timeout_s: Seconds = Field(10.0, description="how long the head of a request may take to arrive, in seconds")
    body_timeout_s: Seconds = Field(
        30.0, description="how long a request body may take to arrive, in seconds, plus one second per 8 KiB"
    )
    answer_timeout_s: Seconds = Field(
        30.0, description="how long a client may take to read a response, in seconds, plus one second per 8 KiB"
    )
    idle_timeout_s: Seconds = Field(75.0, description="how long an idle connection is kept open, in seconds")
    max_connections: Annotated[int, at_most(1_000_000)] = Field(
        2_000, description="maximum connections of each API process; beyond it, a new one replaces an idle or slow one"
    )
    max_buffered_bytes: Bytes = Field(
        256 * 1024 * 1024,
        description="bytes that each API process buffers of request bodies over 64 KiB and of unread responses; beyond"
        " it, the client address with the most bytes loses its oldest unfinished body or unread response;"
        " once unanswered requests use half of it, further requests are refused with 503",
    )
    data_dir: Folder = Field(Path(".amp"), description="data folder of the embedded profile")
    url: ServerUrl | None = Field(None, description="server that the CLI connects to (default: the local one)")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="minimum level of log messages")
    allowed_hosts: Hosts = Field(
        (),
        description="host names to serve besides AMP_HOST, localhost and IP addresses, comma-separated (*: any)",
    )
    cors_origins: Origins = Field((), description="allowed CORS origins, which may also write, comma-separated")
    metrics_port: Port = Field(
        0, description="port on which worker processes serve their metrics, at AMP_HOST (0: none)"
    )
    graceful_stop_s: Seconds = Field(20.0, description="how long a stopping process lets its work finish, in seconds")

    cassandra_hosts: CassandraHosts = Field(("127.0.0.1:9042",), description="nodes as host:port, comma-separated")
    cassandra_keyspace: Name = Field("amp", description="keyspace of this installation")
    cassandra_user: str | None = Field(None, description="user name")
    cassandra_password: SecretStr | None = Field(None, description="password")
    cassandra_tls_ca: CaFile | None = Field(None, description="CA file; enables TLS")
    cassandra_datacenter: str | None = Field(None, description="local data centre (default: that of the first host)")
    cassandra_writing_datacenter: str | None = Field(
        None, description="the one data centre in which all of AMP runs, where several have replicas"
    )
    cassandra_replication: Replication = Field(
        {}, description="replicas per data centre, such as dc1:3,dc2:3 (default: SimpleStrategy with one replica)"
    )
    cassandra_consistency: Literal["LOCAL_QUORUM", "QUORUM", "LOCAL_ONE", "ONE"] = Field(
        "LOCAL_QUORUM", description="consistency level of plain reads and writes"
    )
    cassandra_serial_consistency: Literal["LOCAL_SERIAL", "SERIAL"] = Field(
        "LOCAL_SERIAL", description="serial consistency level of conditional writes"
    )
    cassandra_timeout_s: Seconds = Field(5.0, description="timeout of one request to Cassandra, in seconds")

    kafka_bootstrap: KafkaBrokers = Field("127.0.0.1:9092", description="brokers as host:port, comma-separated")
    kafka_topic_prefix: Name = Field("amp", description="topics are PREFIX.TOPIC, groups PREFIX.GROUP")
    kafka_user: str | None = Field(None, description="user name (SASL PLAIN)")
    kafka_password: SecretStr | None = Field(None, description="password")
    kafka_tls_ca: CaFile | None = Field(None, description="CA file; enables TLS")
    kafka_partitions: Annotated[int, at_most(10_000)] = Field(12, description="partitions of each new topic")
    kafka_replication: Annotated[int, at_most(1_000)] = Field(1, description="replicas of each new topic")

    elasticsearch_url: ElasticsearchUrls = Field(
        "http://127.0.0.1:9200", description="URL, or several, comma-separated"
    )
    elasticsearch_index_prefix: Name = Field("amp", description="indices are PREFIX-BUCKET-GENERATION")
    elasticsearch_user: str | None = Field(None, description="user name")
    elasticsearch_password: SecretStr | None = Field(None, description="password")
    elasticsearch_tls_ca: CaFile | None = Field(None, description="CA file for https URLs")
    elasticsearch_timeout_s: Seconds = Field(10.0, description="timeout of one request to Elasticsearch, in seconds")
    elasticsearch_shards: Annotated[int, at_most(1_024)] = Field(1, description="primary shards of a bucket")
    elasticsearch_replicas: Annotated[int, Field(ge=0, le=100)] = Field(0, description="replicas of a bucket")
    elasticsearch_refresh_interval: str = Field(
        "1s", description="refresh interval of a bucket", pattern=r"^[1-9][0-9]{0,5}(ms|s)$"
    )

    redis_url: RedisUrl = Field("redis://127.0.0.1:6379/0", description="URL; rediss:// for TLS")
    redis_prefix: Name = Field("amp", description="keys are PREFIX:KEY")
    redis_user: str | None = Field(None, description="user name")
    redis_password: SecretStr | None = Field(None, description="password")
    redis_tls_ca: CaFile | None = Field(None, description="CA file for a rediss URL")

    cursor_key: SecretStr | None = Field(
        None, description="key that signs cursors (default: generated once, kept in the store)"
    )
    id_skew_s: Seconds = Field(60.0, description="how far in the future the time of an id may be, in seconds")
    versions_kept: Annotated[int, at_most(1_000_000)] = Field(1_000, description="versions kept of each asset")
    revisions_kept: Annotated[int, at_most(1_000_000)] = Field(
        10_000, description="newest revisions of each asset for which AMP keeps who made them, when and how"
    )
    max_asset_bytes: Annotated[int, at_most(64 << 20)] = Field(
        1024 * 1024, description="maximum size of an asset's JSON, in bytes"
    )
    max_bulk_bytes: Annotated[int, at_most(1 << 30)] = Field(
        16 * 1024 * 1024, description="maximum size of a bulk request's body, uncompressed, in bytes"
    )
    max_bulk_items: Annotated[int, at_most(1_000_000)] = Field(10_000, description="maximum items in a bulk request")
    total_limit: Annotated[int, at_most(100_000_000)] = Field(
        10_000, description="highest search total that is exact unless the request requires an exact one"
    )
    search_timeout_s: Seconds = Field(10.0, description="timeout of one search request, in seconds")
    idempotency_ttl_s: Annotated[int, at_most(366 * 86_400)] = Field(
        86_400, description="how long an Idempotency-Key is kept, in seconds"
    )
    map_refresh_s: Seconds = Field(3.0, description="how often a process checks for a newer bucket map, in seconds")
    types_refresh_s: Seconds = Field(5.0, description="how often a process checks for new types, in seconds")
    # At most half of `DEFERRAL_SLACK_MS`, within which a new intent is due. The other half allows for differing clocks.
    intent_grace_s: Annotated[float, Field(ge=0.001, le=60, allow_inf_nan=False)] = Field(
        5.0, description="age at which the relay processes an intent, in seconds; at most 60"
    )
    bucket_roll_bytes: Bytes = Field(
        16 * 1024**3, description="primary size at which the newest bucket gets a successor, in bytes"
    )
    bucket_roll_documents: Count = Field(
        20_000_000, description="documents at which the newest bucket gets a successor"
    )
    bucket_roll_lead_s: Seconds = Field(
        120.0, description="how far in the future a new bucket begins, in seconds (more than AMP_ID_SKEW_S)"
    )
    bucket_limit_bytes: Bytes = Field(
        50 * 1024**3, description="primary size above which other buckets are split, in bytes"
    )
    bucket_split: bool = Field(True, description="split buckets above AMP_BUCKET_LIMIT_BYTES automatically")
    bucket_check_s: Seconds = Field(60.0, description="how often sizes and aliases of buckets are checked, in seconds")
    move_rate: Rate = Field(
        2_000.0, description="documents per second that a split, merge or rebuild copies unless requested otherwise"
    )
    job_rate: Rate = Field(
        1_000.0, description="maximum assets per second that a job processes unless requested otherwise"
    )
    job_live_lag: Count = Field(
        50, description="waiting changes of live traffic above which jobs slow down (unlimited ones do not)"
    )
    job_max_failures: Count = Field(1_000, description="number of assets that may fail before a job fails")
    job_retention_s: Annotated[RetentionSeconds, Field(gt=0)] = Field(
        90 * 86_400.0,
        description="how long jobs are kept after they were submitted, in seconds, at least AMP_IDEMPOTENCY_TTL_S, "
        "together with their chunks and results; on Cassandra, chunks and results expire after 90 days in any case",
    )
    continuous_check_rate: Rate | None = Field(
        None, description="assets per second that are continuously checked against the index; without it, nothing is"
    )
    purge_after_s: RetentionSeconds = Field(
        30 * 86_400.0, description="how long an asset must have been deleted before a purge removes it, in seconds"
    )
    index_batch: Annotated[int, at_most(10_000)] = Field(500, description="maximum changes in one indexing batch")
    index_retry_limit: Count = Field(
        100_000, description="changes that may wait for buckets that refuse writes before all others wait too"
    )

    index_max_dead_letters_in_row: Count = Field(
        100, description="change messages in a row that may become dead letters; beyond it, the index worker stops"
    )
    index_max_dead_letter_share: Share = Field(
        0.2,
        description="share of the last 1,000 change messages that may become dead letters; beyond it, the index worker "
        "stops",
    )

    @property
    def repeatable_s(self) -> float:
        """Return how long a job or a request may be repeated, in seconds. A repeated key must not start again what was
        done and whose record was removed.
        """
        return max(self.job_retention_s, self.idempotency_ttl_s)

    @field_validator("*", mode="before")
    @classmethod
    def _read(cls, value: object, info: ValidationInfo) -> object:
        """Return the value if every component can use it; empty text is None for a setting whose default is None."""
        field = cls.model_fields[info.field_name or ""]
        if not isinstance(value, str):
            return value
        if _SURROGATES.search(value):
            raise ValueError("is not UTF-8 text")
        if not value and field.default is None:
            return None
        if not is_secret(info.field_name) and not is_printable(value):
            raise ValueError("contains characters that cannot be displayed, such as line breaks")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.redis_tls_ca is not None and not self.redis_url.startswith("rediss:"):
            raise ValueError(f"{variable('redis_tls_ca')} needs a {variable('redis_url')} that begins with rediss://")
        nodes = self.elasticsearch_url.split(",")
        if self.elasticsearch_tls_ca is not None and not all(node.strip().startswith("https:") for node in nodes):
            raise ValueError(
                f"{variable('elasticsearch_tls_ca')} needs a {variable('elasticsearch_url')} of https:// URLs only"
            )
        if self.bucket_roll_lead_s <= self.id_skew_s:
            raise ValueError(
                f"{variable('bucket_roll_lead_s')}={self.bucket_roll_lead_s:g} must be more than "
                f"{variable('id_skew_s')}={self.id_skew_s:g}"
            )
        self._check_datacenters()
        return self

    def _check_datacenters(self) -> None:
        writing, local = self.cassandra_writing_datacenter, self.cassandra_datacenter
        if writing and local and writing != local:
            raise ValueError(
                f"{variable('cassandra_datacenter')}={local!r}: AMP runs only in the writing data centre, "
                f"{writing!r} ({variable('cassandra_writing_datacenter')})"
            )
        fault = split_conditions(
            self.cassandra_replication.keys(),
            keyspace=self.cassandra_keyspace,
            writing=writing,
            consistency=self.cassandra_consistency,
            serial=self.cassandra_serial_consistency,
        )
        if fault is not None:
            raise ValueError(f"{variable('cassandra_replication')}: {fault}")


def variable(field_name: str) -> str:
    """Return the name of a setting's environment variable."""
    return f"AMP_{field_name.upper()}"


def load_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """Return the settings of this process. `overrides`, by field name, take precedence over the environment.

    :raises BadSetting: a value is not accepted; the message names the variable, the value and what is accepted.
    """
    try:
        return Settings(**(overrides or {}))  # type: ignore[arg-type]
    except ValidationError as e:
        first = e.errors(include_url=False)[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        raise BadSetting(reason)
    name = str(first["loc"][0])
    raise BadSetting(f"{variable(name)}={displayed(name, first['input'])}: {reason}")
