"""Typed settings, read once from `AMP_…` environment variables and passed down."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from amp.addresses import masked
from amp.datacenters import split_conditions
from amp.errors import BadSetting
from amp.printable import is_printable
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
    at_most,
)

#: Settings whose values may hold secrets: displayed masked.
ADDRESSES = frozenset({"url", "cassandra_hosts", "kafka_bootstrap", "elasticsearch_url", "redis_url"})
_MAX_SHOWN = 200
_SURROGATES = re.compile("[\ud800-\udfff]")


class Settings(BaseSettings):
    """Every setting of AMP. The name of its variable is `AMP_` and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="AMP_", frozen=True, extra="forbid")

    profile: Literal["embedded", "cluster"] = Field("embedded", description="which set of parts to run on")
    host: Host = Field("127.0.0.1", description="address the API listens on")
    port: Port = Field(8080, description="port the API listens on")
    processes: Annotated[int, at_most(256)] = Field(
        2, description="API processes on the cluster set (the embedded set has one)"
    )
    threads: Annotated[int, at_most(1_024)] = Field(
        16, description="threads of each API process for requests to the store"
    )
    search_threads: Annotated[int, at_most(1_024)] = Field(
        8, description="threads of each API process for searches, beside AMP_THREADS"
    )
    waiting_threads: Annotated[int, at_most(1_024)] = Field(
        32, description="threads of each API process for writes with `wait_for`, beside AMP_THREADS"
    )
    queue_timeout_s: Seconds = Field(
        5.0, description="how long a request waits for a thread before it is refused with 503"
    )
    head_timeout_s: Seconds = Field(10.0, description="how long the head of a request may take to arrive")
    body_timeout_s: Seconds = Field(
        30.0, description="how long the body of a request may take to arrive, and a second more for each 8 KiB of it"
    )
    answer_timeout_s: Seconds = Field(
        30.0, description="how long a client may take to read its answer, and a second more for each 8 KiB of it"
    )
    idle_timeout_s: Seconds = Field(75.0, description="how long a connection is kept open between two requests")
    max_connections: Annotated[int, at_most(1_000_000)] = Field(
        2_000, description="connections of each API process; beyond it, a new connection replaces an idle or slow one"
    )
    max_buffered_bytes: Bytes = Field(
        256 * 1024 * 1024,
        description="bytes of bodies over 64 KiB and of unread answers that each API process holds; beyond it the"
        " address that holds most loses its oldest unfinished body or unread answer, and beyond half of it in requests"
        " that are not answered yet, further ones are refused with 503",
    )
    data_dir: Folder = Field(Path(".amp"), description="data folder of the embedded set")
    url: ServerUrl | None = Field(None, description="the server the CLI talks to (default: the local one)")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level logged")
    allowed_hosts: Hosts = Field(
        (),
        description="host names the API answers to beside AMP_HOST, localhost and addresses, comma-separated (*: any)",
    )
    cors_origins: Origins = Field((), description="origins allowed by CORS and to write, by commas")
    metrics_port: Port = Field(
        0, description="port on which worker processes show their metrics, at AMP_HOST (0: none)"
    )
    graceful_stop_s: Seconds = Field(20.0, description="how long a stopping process lets its work finish")

    cassandra_hosts: CassandraHosts = Field(("127.0.0.1:9042",), description="host:port, by commas")
    cassandra_keyspace: Name = Field("amp", description="keyspace")
    cassandra_user: str | None = Field(None, description="user")
    cassandra_password: SecretStr | None = Field(None, description="password")
    cassandra_tls_ca: CaFile | None = Field(None, description="CA file; turns TLS on")
    cassandra_datacenter: str | None = Field(None, description="local data centre (default: that of the first host)")
    cassandra_writing_datacenter: str | None = Field(
        None, description="where replicas are in several data centres, the one in which all of AMP runs"
    )
    cassandra_replication: Replication = Field(
        {}, description="replicas by data centre, as dc1:3,dc2:3 (default: SimpleStrategy, one replica)"
    )
    cassandra_consistency: Literal["LOCAL_QUORUM", "QUORUM", "LOCAL_ONE", "ONE"] = Field(
        "LOCAL_QUORUM", description="of plain reads and writes"
    )
    cassandra_serial_consistency: Literal["LOCAL_SERIAL", "SERIAL"] = Field(
        "LOCAL_SERIAL", description="of conditional writes"
    )
    cassandra_timeout_s: Seconds = Field(5.0, description="of one request")

    kafka_bootstrap: KafkaBrokers = Field("127.0.0.1:9092", description="host:port, by commas")
    kafka_topic_prefix: Name = Field("amp", description="topics are <prefix>.<topic>, groups <prefix>.<group>")
    kafka_user: str | None = Field(None, description="user (SASL PLAIN)")
    kafka_password: SecretStr | None = Field(None, description="password")
    kafka_tls_ca: CaFile | None = Field(None, description="CA file; turns TLS on")
    kafka_partitions: Annotated[int, at_most(10_000)] = Field(12, description="of a topic, when migrate makes it")
    kafka_replication: Annotated[int, at_most(1_000)] = Field(1, description="of a topic, when migrate makes it")

    elasticsearch_url: ElasticsearchUrls = Field("http://127.0.0.1:9200", description="URL, or several by commas")
    elasticsearch_index_prefix: Name = Field("amp", description="indices are <prefix>-<bucket>-<generation>")
    elasticsearch_user: str | None = Field(None, description="user")
    elasticsearch_password: SecretStr | None = Field(None, description="password")
    elasticsearch_tls_ca: CaFile | None = Field(None, description="CA file of an https URL")
    elasticsearch_timeout_s: Seconds = Field(10.0, description="of one request")
    elasticsearch_shards: Annotated[int, at_most(1_024)] = Field(1, description="primary shards of a bucket")
    elasticsearch_replicas: Annotated[int, Field(ge=0, le=100)] = Field(0, description="replicas of a bucket")
    elasticsearch_refresh_interval: str = Field(
        "1s", description="refresh interval of a bucket", pattern=r"^[1-9][0-9]{0,5}(ms|s)$"
    )

    redis_url: RedisUrl = Field("redis://127.0.0.1:6379/0", description="URL; rediss:// for TLS")
    redis_prefix: Name = Field("amp", description="keys are <prefix>:<key>")
    redis_user: str | None = Field(None, description="user")
    redis_password: SecretStr | None = Field(None, description="password")
    redis_tls_ca: CaFile | None = Field(None, description="CA file of a rediss URL")

    cursor_key: SecretStr | None = Field(None, description="signs cursors (default: generated once, kept in the store)")
    id_skew_s: Seconds = Field(60.0, description="how far in the future an id's time may lie")
    versions_kept: Annotated[int, at_most(1_000_000)] = Field(1_000, description="versions kept of an asset")
    revisions_kept: Annotated[int, at_most(1_000_000)] = Field(
        10_000, description="newest revisions of an asset of which is kept who made them, when and how"
    )
    max_asset_bytes: Annotated[int, at_most(64 << 20)] = Field(1024 * 1024, description="of an asset's JSON")
    max_bulk_bytes: Annotated[int, at_most(1 << 30)] = Field(
        16 * 1024 * 1024, description="of a bulk request's body, unpacked"
    )
    max_bulk_items: Annotated[int, at_most(1_000_000)] = Field(10_000, description="of a bulk request")
    total_limit: Annotated[int, at_most(100_000_000)] = Field(10_000, description="a search counts exactly up to here")
    search_timeout_s: Seconds = Field(10.0, description="of one search")
    idempotency_ttl_s: Annotated[int, at_most(366 * 86_400)] = Field(
        86_400, description="how long an Idempotency-Key is remembered"
    )
    map_refresh_s: Seconds = Field(3.0, description="how often a process looks for a newer bucket map")
    types_refresh_s: Seconds = Field(5.0, description="how often a process looks for new types")
    # At most half of `DEFERRAL_SLACK_MS`, within which a new intent is due: the other half is for clocks that differ.
    intent_grace_s: Annotated[float, Field(ge=0.001, le=60, allow_inf_nan=False)] = Field(
        5.0, description="age at which the relay takes up an intent; at most 60 s"
    )
    bucket_roll_bytes: Bytes = Field(
        16 * 1024**3, description="primary size at which the newest bucket gets a successor"
    )
    bucket_roll_documents: Count = Field(
        20_000_000, description="documents at which the newest bucket gets a successor"
    )
    bucket_roll_lead_s: Seconds = Field(
        120.0, description="how far ahead a new bucket begins (more than AMP_ID_SKEW_S)"
    )
    bucket_limit_bytes: Bytes = Field(50 * 1024**3, description="primary size past which any other bucket is split")
    bucket_split: bool = Field(True, description="split buckets that grew past the limit without being asked")
    bucket_check_s: Seconds = Field(60.0, description="how often sizes and aliases of buckets are looked at")
    move_rate: Rate = Field(
        2_000.0, description="documents a second that a split, merge or rebuild copies if nothing else is asked for"
    )
    job_rate: Rate = Field(
        1_000.0, description="assets a second that a job takes up at most if nothing else is asked for"
    )
    job_live_lag: Count = Field(
        50, description="events of live traffic waiting past which jobs slow down (unthrottled ones do not)"
    )
    job_max_failures: Count = Field(1_000, description="assets that may fail before a job is given up")
    job_retention_s: Annotated[RetentionSeconds, Field(gt=0)] = Field(
        90 * 86_400.0, description="how long jobs are kept after they were asked for"
    )
    continuous_check_rate: Rate | None = Field(
        None, description="assets a second that are checked against the index all the time (default: none are)"
    )
    purge_after_s: RetentionSeconds = Field(
        30 * 86_400.0, description="how long an asset stays deleted before a purge removes it"
    )
    index_batch: Annotated[int, at_most(10_000)] = Field(500, description="events an index worker takes at once")
    index_retry_limit: Count = Field(
        100_000, description="changes that may wait for buckets that refuse writes, before all others wait too"
    )

    @property
    def repeatable_s(self) -> float:
        """How long a job or a request may be repeated, in seconds: a key must not start again what was done and
        forgotten."""
        return max(self.job_retention_s, self.idempotency_ttl_s)

    @field_validator("*", mode="before")
    @classmethod
    def _read(cls, value: object, info: ValidationInfo) -> object:
        """Text that every part can carry; empty means "not set" where a setting may be left out."""
        field = cls.model_fields[info.field_name or ""]
        if not isinstance(value, str):
            return value
        if _SURROGATES.search(value):
            raise ValueError("is not UTF-8 text")
        if not value and field.default is None:
            return None
        if not _is_secret(info.field_name) and not is_printable(value):
            raise ValueError("holds characters that cannot be displayed, such as line ends")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.redis_tls_ca is not None and not self.redis_url.startswith("rediss:"):
            raise ValueError(f"{variable('redis_tls_ca')} needs a {variable('redis_url')} that begins with rediss://")
        nodes = self.elasticsearch_url.split(",")
        if self.elasticsearch_tls_ca is not None and not all(node.strip().startswith("https:") for node in nodes):
            raise ValueError(
                f"{variable('elasticsearch_tls_ca')} needs a {variable('elasticsearch_url')} of https:// alone"
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
                f"{variable('cassandra_datacenter')}={local!r}: AMP runs in the writing data centre alone, which is "
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
    """The environment variable of a setting."""
    return f"AMP_{field_name.upper()}"


def load_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """The settings of this process; `overrides` (by field name) stand above the environment.

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
    raise BadSetting(f"{variable(name)}={_shown(name, first['input'])}: {reason}")


def _shown(name: str, value: object) -> str:
    if _is_secret(name):
        return "(hidden)"
    text = repr(value)
    if name in ADDRESSES:
        items = value if isinstance(value, tuple) else (value,)
        text = repr(",".join(masked(str(item)) for item in items))
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def _is_secret(name: str | None) -> bool:
    return name is not None and ("password" in name or name == "cursor_key")
