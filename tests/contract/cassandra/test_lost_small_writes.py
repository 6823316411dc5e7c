"""Claims, types, maps, shared values, leases and jobs whose answers get lost: written once, by one."""

import dataclasses
import uuid
from collections.abc import Callable, Iterator

import pytest

from amp.adapters.cassandra.bucket_registry import CassandraBucketRegistry
from amp.adapters.cassandra.claims import CassandraClaims
from amp.adapters.cassandra.job_log import CassandraJobLog
from amp.adapters.cassandra.leases import CassandraLeases
from amp.adapters.cassandra.session import RowsOrError
from amp.adapters.cassandra.shared_values import CassandraSharedValues
from amp.adapters.cassandra.type_registry import CassandraTypeRegistry
from amp.domain.buckets import first_map
from amp.domain.claims import Claim
from amp.domain.ids import mint_at
from amp.domain.jobs import JobState
from amp.domain.types import AssetType
from amp.errors import StoreUnavailable
from tests.contract.cassandra.lossy_session import (
    Fate,
    LossySession,
    executed_twice,
    lossy_session,
    lost_after,
    lost_before,
    timed_out,
)
from tests.support.asset_samples import now_ms, unique
from tests.support.jobs.job_log import asset_job

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def shared_session(cluster_settings: dict[str, str]) -> Iterator[LossySession]:
    with lossy_session(cluster_settings) as session:
        yield session


@pytest.fixture
def session(shared_session: LossySession) -> LossySession:
    shared_session.fates = []
    return shared_session


@pytest.fixture
def fresh_session(fresh_cluster_settings: dict[str, str]) -> Iterator[LossySession]:
    with lossy_session(fresh_cluster_settings) as session:
        yield session


@pytest.mark.parametrize("fate", [lost_after, lost_before, executed_twice])
def test_a_claim_whose_answer_is_lost_finds_itself(session: LossySession, fate: Fate) -> None:
    claims = CassandraClaims(session)
    claim = Claim("scope", unique("key"), uuid.uuid4(), "digest")
    session.fates = [fate]
    assert claims.claim([claim]) == [claim]
    late = Claim(claim.scope, claim.key, uuid.uuid4())
    session.fates = [fate]
    assert claims.claim([late]) == [claim]


def test_a_claim_that_is_lost_again_and_again_is_an_error(session: LossySession) -> None:
    session.fates = [lost_before] * 100
    with pytest.raises(StoreUnavailable):
        CassandraClaims(session).claim([Claim("scope", unique("key"), uuid.uuid4())])


@pytest.mark.parametrize("fate", [lost_after, lost_before, executed_twice])
def test_a_type_whose_answer_is_lost_is_added_once(session: LossySession, fate: Fate) -> None:
    types = CassandraTypeRegistry(session)
    first = AssetType(name=unique("type"), version=1)
    session.fates = [fate]
    assert types.add(first)
    session.fates = [fate]
    assert not types.add(dataclasses.replace(first, description="too late"))
    session.fates = [fate]
    assert types.add(dataclasses.replace(first, version=2))
    assert types.get(first.name, 1) == first


@pytest.mark.parametrize("fate", [lost_after, lost_before, executed_twice])
def test_a_map_whose_answer_is_lost_is_replaced_once(fresh_session: LossySession, fate: Fate) -> None:
    buckets = CassandraBucketRegistry(fresh_session)
    first = first_map("amp")
    fresh_session.fates = [fate]
    assert buckets.replace(first, expected_generation=0)
    fresh_session.fates = [fate]
    assert not buckets.replace(dataclasses.replace(first, generation=3), expected_generation=2)
    assert buckets.load() == first

    def superseded(send: Callable[[], RowsOrError]) -> RowsOrError:
        send()
        assert buckets.replace(dataclasses.replace(first, generation=3), expected_generation=2)
        return timed_out()

    fresh_session.fates = [superseded]
    assert buckets.replace(dataclasses.replace(first, generation=2), expected_generation=1)


@pytest.mark.parametrize("fate", [lost_after, lost_before, executed_twice])
def test_a_shared_value_whose_answer_is_lost_is_put_once(session: LossySession, fate: Fate) -> None:
    shared = CassandraSharedValues(session)
    name = unique("name")
    session.fates = [fate]
    assert shared.get_or_put(name, b"first") == b"first"
    assert shared.get_or_put(name, b"second") == b"first"


@pytest.mark.parametrize("fate", [lost_after, lost_before, executed_twice])
def test_a_lease_whose_answer_is_lost_has_one_holder(session: LossySession, fate: Fate) -> None:
    leases = CassandraLeases(session)
    name = unique("lease")
    session.fates = [fate]
    assert leases.acquire(name, "ann", 60)
    session.fates = [fate]
    assert not leases.acquire(name, "bob", 60)
    session.fates = [fate]
    assert leases.acquire(name, "ann", 60)


def test_a_lease_whose_answer_came_late_is_taken_anew_for_all_of_its_time(session: LossySession) -> None:
    def lost_for_long(send: Callable[[], RowsOrError]) -> RowsOrError:
        send()
        # As if all but a second of it had gone by before the caller gave up on the answer.
        session.run("UPDATE {ks}.leases USING TTL 1 SET holder = 'ann' WHERE name = ? IF holder = 'ann'", (name,))
        return timed_out()

    name = unique("lease")
    session.fates = [lost_for_long]
    assert CassandraLeases(session).acquire(name, "ann", 60)
    ((left_s,),) = session.run("SELECT ttl(holder) FROM {ks}.leases WHERE name = ?", (name,))
    assert left_s > 50


def test_a_lease_that_is_lost_again_and_again_is_an_error(session: LossySession) -> None:
    session.fates = [lost_before] * 100
    with pytest.raises(StoreUnavailable):
        CassandraLeases(session).acquire(unique("lease"), "ann", 60)


def test_a_job_whose_adding_broke_off_is_not_there_until_it_is_added_again(session: LossySession) -> None:
    jobs = CassandraJobLog(session)
    # Newer than what other tests add to this store.
    older = asset_job(id=mint_at(now_ms() + 3_600_000))
    job = dataclasses.replace(older, id=mint_at(now_ms() + 7_200_000))
    jobs.add(older)
    session.fates = [lost_before]
    with pytest.raises(StoreUnavailable):
        jobs.add(job)
    assert jobs.get(job.id) is None
    # It is listed, but takes no place in a page.
    assert jobs.page(None, 1) == [older]
    assert job.id not in {found.id for found in jobs.open()}
    session.fates = [lost_after]
    with pytest.raises(StoreUnavailable):
        jobs.add(job)
    jobs.set_state(job.id, JobState.PAUSED)
    jobs.add(job)
    assert jobs.page(None, 1) == [dataclasses.replace(job, state=JobState.PAUSED)]
    assert jobs.open()[-1] == dataclasses.replace(job, state=JobState.PAUSED)
