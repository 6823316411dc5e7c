"""Creation with nothing but the driver: AMP's own statements, prepared, sent concurrently."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter, time_ns
from uuid import uuid4

from cassandra.concurrent import execute_concurrent  # type: ignore[import-untyped]

from amp.adapters.cassandra.asset_rows import step_request
from amp.adapters.cassandra.preparation import Preparation
from amp.adapters.cassandra.session import CassandraSession, Request
from amp.adapters.retention import retention_of
from amp.domain.assets import Change
from amp.domain.changes import Content, Draft, Stamp, creation
from amp.domain.ids import mint_at
from amp.domain.limits import AssetLimits
from amp.domain.messages import Intent, message_of
from amp.domain.retention import Retention
from amp.domain.types import AssetType
from amp.domain.validation import conform_metadata
from amp.settings import Settings


def seconds_to_create(settings: Settings, asset_type: AssetType, drafts: Sequence[Draft], batch: int) -> float:
    """Seconds for the intents, reverse-index rows and conditional batches of these drafts, `batch` at a time as a bulk
    request has them."""
    session = CassandraSession(settings)
    connected = session.connected()
    retention = retention_of(settings)
    rounds = [_requests(session, asset_type, drafts[i : i + batch], retention) for i in range(0, len(drafts), batch)]
    statements = [
        [[(session._prepared(cql), values) for cql, values in requests] for requests in phases] for phases in rounds
    ]
    began = perf_counter()
    for phases in statements:
        for phase in phases:
            execute_concurrent(connected, phase, concurrency=100, raise_on_first_error=True)
    seconds = perf_counter() - began
    session.close()
    return seconds


def _requests(
    session: CassandraSession, asset_type: AssetType, drafts: Sequence[Draft], retention: Retention
) -> tuple[list[Request], list[Request]]:
    preparation = Preparation(session)
    changes = [_creation(asset_type, draft) for draft in drafts]
    return [preparation._request(change, _intent(change), set(), {}) for change in changes], list(
        map(partial(step_request, retention=retention), changes)
    )


def _creation(asset_type: AssetType, draft: Draft) -> Change:
    metadata = conform_metadata(draft.metadata, asset_type, AssetLimits())
    content = Content(name=draft.name, metadata=metadata, labels=(), type_version=1)
    stamp = Stamp(principal="bench", at_ms=_now_ms(), change_id=uuid4())
    return creation(draft, mint_at(_now_ms()), content, stamp)


def _intent(change: Change) -> Intent:
    return Intent(message=message_of(change), recorded_ms=_now_ms(), due_ms=_now_ms() + 5_000)


def _now_ms() -> int:
    return time_ns() // 1_000_000
