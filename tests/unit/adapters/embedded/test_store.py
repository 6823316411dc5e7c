"""What the SQLite store promises beyond its ports: it survives a restart, and a full disk is never a success."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4, uuid5

import pytest

from amp.adapters.embedded.asset_listing import SqliteAssetListing
from amp.adapters.embedded.asset_store import SqliteAssetStore
from amp.adapters.embedded.bucket_registry import SqliteBucketRegistry
from amp.adapters.embedded.cache import MemoryCache
from amp.adapters.embedded.claims import SqliteClaims
from amp.adapters.embedded.database import Database
from amp.adapters.embedded.dead_letters import SqliteDeadLetters
from amp.adapters.embedded.intent_log import SqliteIntentLog
from amp.adapters.embedded.job_chunks import SqliteJobChunks
from amp.adapters.embedded.message_queue import RETAINED_MESSAGES, SqliteMessageQueue
from amp.adapters.embedded.shared_values import SqliteSharedValues
from amp.adapters.embedded.store_component import SqliteStoreComponent
from amp.adapters.embedded.type_registry import SqliteTypeRegistry
from amp.domain.assets import Change
from amp.domain.buckets import first_map
from amp.domain.chunks import Chunk, ItemOutcome, ItemResult
from amp.domain.claims import Claim
from amp.domain.dead_letters import DeadLetter, dead_letter_id
from amp.domain.messages import AssetChanged, Intent, message_of
from amp.domain.retention import Retention
from amp.domain.types import AssetType, Field, FieldType
from amp.errors import StoreUnavailable
from amp.ports.asset_store import CommitStatus
from amp.ports.message_queue import Topic
from tests.support.asset_samples import creation, step, write
from tests.support.file_limit import files_up_to


@contextmanager
def opened(folder: Path) -> Iterator[Database]:
    with closing(Database(folder)) as database:
        SqliteStoreComponent(database).migrate()
        yield database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path) as found:
        yield found


def intent_of(change: Change) -> Intent:
    return Intent(message=message_of(change), recorded_ms=1, due_ms=2)


def letter_of(payload: bytes) -> DeadLetter:
    id_ = dead_letter_id("realtime", None, payload)
    return DeadLetter(id=id_, topic="realtime", message=None, payload=payload, reason="no", first_ms=1, last_ms=1)


def events(count: int) -> list[AssetChanged]:
    return [message_of(creation()) for _ in range(count)]


@dataclass(frozen=True)
class _Disk:
    """A disk on which the database's log can grow no further."""

    database: Database

    @contextmanager
    def full(self) -> Iterator[None]:
        log = self.database.path.with_name("store.db-wal")
        with files_up_to(log.stat().st_size + 100):
            yield


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    metadata = {"long": -(1 << 63), "double": 5.0, "tags": ("a", "b"), "none": (), "text": "é\u2028", "seen": True}
    change = creation(metadata=metadata, labels=("x", "y"), external_id="e")
    asset_type = AssetType(name="movie", version=1, fields={"rating": Field(type=FieldType.DOUBLE, maximum=5.0)})
    claim = Claim("external", "e", change.after.id, "digest")
    letter = letter_of(b"no event")
    chunk = Chunk(job_id=change.after.change_id, number=0, ids=(change.after.id,), passed=3, position="on")
    results = {change.after.id: ItemResult(ItemOutcome.SKIPPED, "purged")}
    with opened(tmp_path) as database:
        store = SqliteAssetStore(database)
        store.prepare([(change, intent_of(change))])
        store.apply([change])
        SqliteClaims(database).claim([claim])
        SqliteTypeRegistry(database).add(asset_type)
        SqliteBucketRegistry(database).replace(first_map("amp"), expected_generation=0)
        SqliteSharedValues(database).get_or_put("key", b"\x00secret")
        SqliteMessageQueue(database).publish(Topic.REALTIME, [message_of(change)])
        SqliteDeadLetters(database).put(letter)
        SqliteJobChunks(database).begin(chunk)
        SqliteJobChunks(database).record(chunk.job_id, {0: results})
    with opened(tmp_path) as database:
        store = SqliteAssetStore(database)
        head = store.heads([change.after.id])[change.after.id]
        assert head == change.after
        assert {key: type(value) for key, value in head.metadata.items()} == {
            key: type(value) for key, value in metadata.items()
        }
        assert len(store.version_page(head.id, None, 10)) == 1
        assert SqliteIntentLog(database).due(2, 10) == [intent_of(change)]
        assert SqliteAssetListing(database).page(type_name=None, project=None, position=None, limit=9).ids == (head.id,)
        assert SqliteClaims(database).holders([("external", "e")]) == [claim]
        assert SqliteTypeRegistry(database).newest() == [asset_type]
        assert SqliteBucketRegistry(database).load() == first_map("amp")
        assert SqliteSharedValues(database).get_or_put("key", b"other") == b"\x00secret"
        [delivery] = SqliteMessageQueue(database).consume(Topic.REALTIME, "index").poll(10, 1)
        assert delivery.message == message_of(change)
        assert SqliteDeadLetters(database).get(letter.id) == letter
        assert SqliteJobChunks(database).get(chunk.job_id, 0) == chunk
        assert SqliteJobChunks(database).results(chunk.job_id, 0) == results


def test_a_write_whose_commit_fails_is_never_reported_as_a_success(database: Database) -> None:
    store = SqliteAssetStore(database)
    there = creation()
    store.apply([there])
    again = creation(id=there.after.id)
    large = creation(metadata={"text": "x" * 100_000})
    with _Disk(database).full():
        with pytest.raises(StoreUnavailable):
            store.prepare([(large, intent_of(large))] * 500)
        outcomes = store.apply([again, large])
    assert [outcome.status for outcome in outcomes] == [CommitStatus.REFUSED, CommitStatus.UNKNOWN]
    assert outcomes[0].head == there.after
    assert store.heads([large.after.id]) == {}
    assert [outcome.status for outcome in store.apply([large])] == [CommitStatus.APPLIED]
    assert store.heads([large.after.id]) == {large.after.id: large.after}


def test_events_that_could_not_be_kept_are_not_reported_delivered(database: Database) -> None:
    queue = SqliteMessageQueue(database)
    reported: list[AssetChanged] = []
    with _Disk(database).full():
        queue.publish(Topic.REALTIME, events(200), reported.append)
    assert reported == []
    assert queue.lag(Topic.REALTIME, "index") == 0
    kept = events(1)
    queue.publish(Topic.REALTIME, kept, reported.append)
    assert reported == kept


def test_a_dead_letter_that_could_not_be_kept_is_an_error(database: Database) -> None:
    letters = SqliteDeadLetters(database)
    letter = letter_of(b"x" * 50_000)
    with _Disk(database).full(), pytest.raises(StoreUnavailable):
        letters.put(letter)
    assert letters.get(letter.id) is None


def test_a_claim_that_ended_goes_to_exactly_one_of_those_who_come_next(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = SqliteClaims(database)
    old, one, other = (Claim("key", "k", creation().after.id) for _ in range(3))
    assert claims.claim([old], ttl_s=60) == [old]
    assert claims.claim([one], ttl_s=60) == [old]
    in_an_hour_ns = time.time_ns() + 3_600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: in_an_hour_ns)
    assert claims.holders([("key", "k")]) == [None]
    assert claims.claim([one, other], ttl_s=60) == [one, one]
    assert claims.holders([("key", "k")]) == [one]


def test_clearing_an_intent_leaves_the_one_its_writer_renewed(database: Database) -> None:
    change = creation()
    first = intent_of(change)
    renewed = replace(first, recorded_ms=5, due_ms=6)
    store, log = SqliteAssetStore(database), SqliteIntentLog(database)
    store.prepare([(change, first)])
    store.prepare([(change, renewed)])
    log.clear([first])
    assert log.due(10, 10) == [renewed]


def test_what_a_former_process_deferred_is_due_despite_its_clock(tmp_path: Path) -> None:
    change, hour_ms = creation(), 3_600_000
    now_ms = 100 * hour_ms
    deferred = replace(intent_of(change), recorded_ms=now_ms - 24 * hour_ms, due_ms=now_ms + hour_ms)
    with opened(tmp_path) as database:
        log = SqliteIntentLog(database)
        SqliteAssetStore(database).prepare([(change, deferred)])
        assert log.due(now_ms, 10) == []
    with opened(tmp_path) as database:
        log, other = SqliteIntentLog(database), creation()
        recent = replace(intent_of(other), recorded_ms=now_ms, due_ms=now_ms + 1_000)
        SqliteAssetStore(database).prepare([(other, recent)])
        assert log.due(now_ms, 10) == [deferred]
        log.defer(deferred, now_ms + hour_ms)
        assert log.due(now_ms, 10) == []


def stored_events(database: Database) -> int:
    with database.reading() as connection:
        [count] = connection.execute("SELECT count(*) FROM events").fetchone()
    return int(count)


def test_events_every_group_is_done_with_do_not_pile_up(database: Database) -> None:
    queue = SqliteMessageQueue(database)
    slow, fast = queue.consume(Topic.REALTIME, "slow"), queue.consume(Topic.REALTIME, "fast")
    queue.publish(Topic.REALTIME, events(1))
    slow.commit(slow.poll(1, 1))
    one = events(1)
    queue.publish(Topic.REALTIME, one * (RETAINED_MESSAGES + 500))
    fast.commit(fast.poll(RETAINED_MESSAGES + 501, 1))
    assert stored_events(database) == RETAINED_MESSAGES + 501, "the slow group has them still to do"
    slow.commit(slow.poll(RETAINED_MESSAGES + 500, 1))
    assert stored_events(database) == RETAINED_MESSAGES
    assert queue.lag(Topic.REALTIME, "slow") == 0
    queue.publish(Topic.REALTIME, one)
    assert len(slow.poll(10, 1)) == len(fast.poll(10, 1)) == 1


def test_a_second_member_gets_nothing_until_the_first_closes(database: Database) -> None:
    queue = SqliteMessageQueue(database)
    first, second = queue.consume(Topic.REALTIME, "index"), queue.consume(Topic.REALTIME, "index")
    queue.publish(Topic.REALTIME, events(4))
    taken = first.poll(2, 1)
    assert second.poll(10, 0.05) == []
    second.commit(taken)  # not its own: passed over
    first.close()
    assert first.poll(10, 0) == []
    handed_over = second.poll(10, 1)
    assert [delivery.message for delivery in handed_over][:2] == [delivery.message for delivery in taken]
    first.commit(taken)  # too late: passed over
    assert queue.lag(Topic.REALTIME, "index") == 4


def test_a_position_never_goes_back(database: Database) -> None:
    queue = SqliteMessageQueue(database)
    consumer = queue.consume(Topic.REALTIME, "index")
    queue.publish(Topic.REALTIME, events(4))
    taken = consumer.poll(4, 1)
    consumer.commit(taken)
    consumer.commit(taken[:1])
    assert queue.lag(Topic.REALTIME, "index") == 0


def test_the_cache_forgets_the_oldest_before_it_grows_without_bound() -> None:
    cache = MemoryCache()
    for number in range(10_050):
        cache.put(str(number), b"v", 60)
    assert cache.get("0") is None
    assert cache.get("50") == cache.get("10049") == b"v"


def test_old_revisions_are_forgotten_once_no_repeat_can_need_them(
    database: Database,
) -> None:
    """Each change is a millisecond after the one before."""
    store = SqliteAssetStore(database, Retention(revisions_kept=50, random_change_s=0, derived_change_s=10))
    (asset,) = write(store, creation())
    derived = uuid5(uuid4(), str(asset.id))
    (asset,) = write(store, step(asset, change_id=derived))
    for _ in range(198):
        (asset,) = write(store, step(asset))

    def revisions() -> list[int]:
        with database.reading() as connection:
            rows = connection.execute("SELECT revision FROM revisions WHERE asset_id = ?", (asset.id.bytes,))
            return sorted(row[0] for row in rows)

    assert revisions() == [2, *range(151, 201)]
    assert store.applied({asset.id: derived}) == {asset.id}
    (asset,) = write(store, step(replace(asset, updated_ms=asset.updated_ms + 10_000)))
    for _ in range(99):
        (asset,) = write(store, step(asset))
    assert revisions() == list(range(251, 301))
    assert store.applied({asset.id: derived}) == set()
