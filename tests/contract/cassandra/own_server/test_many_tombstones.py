"""Reads stay whole where much was purged, cleared, released or discarded; the server passes few tombstones."""

import itertools
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

import orjson
import pytest

from amp.adapters.cassandra import intent_log
from amp.adapters.cassandra.asset_listing import CassandraAssetListing, partitions_of
from amp.adapters.cassandra.asset_store import CassandraAssetStore
from amp.adapters.cassandra.claims import CassandraClaims
from amp.adapters.cassandra.component import CassandraComponent
from amp.adapters.cassandra.dead_letters import CassandraDeadLetters
from amp.adapters.cassandra.errors import TooManyTombstones
from amp.adapters.cassandra.intent_log import INSERT_INTENT, CassandraIntentLog, intent_values
from amp.domain.claims import Claim
from amp.domain.dead_letters import DeadLetter, dead_letter_for
from amp.domain.ids import mint_at
from amp.domain.messages import JobItem, message_json
from amp.ports.asset_listing import IdPage
from amp.ports.asset_store import CommitResult, CommitStatus
from amp.ports.dead_letters import DeadLetterPage
from tests.contract.cassandra.own_server.conftest import TOMBSTONES
from tests.support.asset_samples import (
    creation,
    head,
    id_version_1,
    id_version_6,
    intent_for,
    new_asset,
    now_ms,
    purge,
    step,
    unique,
    write,
)
from tests.support.stack.waiting import wait_until

pytestmark = pytest.mark.cluster
DAY_MS = 86_400_000


def walk(page: Callable[[str | None], Any], items: Callable[[Any], Any]) -> list[Any]:
    found: list[Any] = []
    position = None
    while True:
        answer = page(position)
        found += items(answer)
        position = answer.position
        if position is None:
            return found


def ids_of(page: IdPage) -> tuple[UUID, ...]:
    return page.ids


def letters_of(page: DeadLetterPage) -> tuple[DeadLetter, ...]:
    return page.dead_letters


def ids_of_one_shard(count: int) -> list[UUID]:
    """Of one day and of all kinds; most of version 7 are of one millisecond."""
    noon_ms = now_ms() // DAY_MS * DAY_MS - DAY_MS // 2
    makers: list[Callable[[int], UUID]] = [
        lambda i: id_version_1(noon_ms + i),
        lambda i: id_version_6(noon_ms + i),
        lambda i: mint_at(noon_ms + (i if i % 9 == 2 else 0)),
    ]
    made = (makers[i % 3](i) for i in itertools.count())
    return list(itertools.islice((id_ for id_ in made if crc32(id_.bytes) % 16 == 0), count))


def test_a_day_of_which_most_was_purged_is_listed_and_walked(part: CassandraComponent) -> None:
    listing = CassandraAssetListing(part.session)
    project = unique("project")
    assets = [new_asset(id=id_, project=project) for id_ in ids_of_one_shard(2 * TOMBSTONES)]
    listing.add(assets)
    before = walk(lambda at: listing.page(project=project, position=at, limit=1_000), ids_of)
    purged = [asset for i, asset in enumerate(assets) if i % 50]
    listing.drop(listing.orphans([asset.id for asset in purged], {assets[0].type}, {project}))
    left = {asset.id for i, asset in enumerate(assets) if i % 50 == 0}
    place = partitions_of(assets[0])[-1]
    with pytest.raises(TooManyTombstones):
        part.session.run(
            "SELECT id FROM {ks}.listed_assets WHERE list = ? AND slot = ? AND shard = ? LIMIT 1000", place
        )

    for limit in (15, 1_000):
        found = walk(lambda at, limit=limit: listing.page(project=project, position=at, limit=limit), ids_of)
        # In the order they had.
        assert found == [id_ for id_ in before if id_ in left]
    assert left <= set(walk(lambda at: listing.page(position=at, limit=50), ids_of))
    assert len(listing.unlisted(purged)) == len(purged)


def test_dead_letters_are_listed_and_counted_where_many_were_discarded(part: CassandraComponent) -> None:
    letters = CassandraDeadLetters(part.session)
    job_id = uuid4()
    kept = [letter_of(job_id, now_ms() - age_ms) for age_ms in (0, 5_000, 40 * DAY_MS)]
    for letter in kept:
        letters.put(letter)
    letters.remove_unchanged([letter_of(job_id, kept[0].first_ms - 1 - n) for n in range(TOMBSTONES + 200)])
    with pytest.raises(TooManyTombstones):
        part.session.run("SELECT id FROM {ks}.listed_dead_letters WHERE list = 'all'")

    for limit in (1, 10):
        for of_job in (job_id, None):
            pages = walk(lambda at, n=limit, j=of_job: letters.page(job_id=j, position=at, limit=n), letters_of)
            assert pages == kept
    assert letters.count(job_id) == 3


@pytest.mark.parametrize("step_ms", [0, 1], ids=["due at once", "due over time"])
def test_intents_are_found_where_many_were_cleared(
    part: CassandraComponent, step_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests leave intents of what they created.
    part.session.run("TRUNCATE {ks}.intents")
    log = CassandraIntentLog(part.session)
    begin_ms = now_ms() // 60_000 * 60_000 - 120_000
    makers: list[Callable[[int], UUID]] = [id_version_1, id_version_6, mint_at]
    intents = [
        intent_for(creation(id=makers[i % 3](begin_ms + i)), due_ms=begin_ms + 1_000 + i * step_ms)
        for i in range(3 * TOMBSTONES)
    ]
    kept = intents[:: len(intents) // 40]
    # All in one partition.
    monkeypatch.setattr(intent_log, "_SHARDS", 1)
    part.session.rows_of_many([(INSERT_INTENT, intent_values(intent)) for intent in kept])
    log.clear([intent for intent in intents if intent not in kept])
    with pytest.raises(TooManyTombstones):
        part.session.run(
            "SELECT asset_id FROM {ks}.intents WHERE shard = 0 AND minute = ? AND due_ms >= ?",
            (begin_ms // 60_000, begin_ms),
        )

    for limit in (len(kept) // 3, 1_000):
        found = CassandraIntentLog(part.session).due(now_ms(), limit)
        assert len(found) == min(limit, len(kept))
        assert set(found) <= set(kept)
    log.clear(found)


def test_claims_are_walked_where_many_were_released(part: CassandraComponent) -> None:
    claims = CassandraClaims(part.session)
    kept = {Claim("kept", str(n), uuid4()) for n in range(40)}
    claims.claim(list(kept))
    gone = [Claim("gone", str(n), uuid4()) for n in range(TOMBSTONES)]
    claims.claim(gone, ttl_s=1)
    keys = [(claim.scope, claim.key) for claim in gone]
    wait_until(lambda: not any(claims.holders(keys)), 30, "the claims to expire")
    with pytest.raises(TooManyTombstones):
        part.session.run("SELECT scope FROM {ks}.claims LIMIT 1000")

    for limit in (7, 1_000):
        found = walk(lambda at, n=limit: claims.page(at, n), lambda page: page.claims)
        assert len(found) == len(kept)
        assert set(found) == kept


def letter_of(job_id: UUID, first_ms: int) -> DeadLetter:
    message = JobItem(job_id=job_id, chunk=1, asset_id=uuid4())
    return dead_letter_for("bulk", message, orjson.dumps(message_json(message)), "a reason", "", first_ms)


def test_versions_are_paged_of_an_asset_that_had_very_many(part: CassandraComponent) -> None:
    store = CassandraAssetStore(part.session)
    (asset,) = write(store, creation())
    for _ in range(TOMBSTONES + 100):
        change = step(asset, dropped=asset.version - 4 if asset.version > 4 else None)
        assert store.apply([change]) == [CommitResult(CommitStatus.APPLIED)]
        asset = change.after

    newest = range(asset.version, asset.version - 5, -1)
    assert [version.version for version in store.version_page(asset.id, None, 100)] == list(newest)
    assert head(store, asset.id) == asset
    write(store, purge(asset))
    assert store.version_page(asset.id, None, 100) == []
