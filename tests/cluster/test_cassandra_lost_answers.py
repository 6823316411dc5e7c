"""Conditional writes whose answers get lost: no error for one that happened, no success for one that did not."""

import dataclasses
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from cassandra import OperationTimedOut

from amp.adapters.cassandra.asset_store import CassandraAssetStore
from amp.adapters.cassandra.bucket_registry import CassandraBucketRegistry
from amp.adapters.cassandra.claims import CassandraClaims
from amp.adapters.cassandra.part import CassandraPart
from amp.adapters.cassandra.session import Answer, CassandraSession, Mode, Request
from amp.adapters.cassandra.shared_values import CassandraSharedValues
from amp.adapters.cassandra.type_registry import CassandraTypeRegistry
from amp.domain.assets import version_of
from amp.domain.buckets import first_map
from amp.domain.types import AssetType
from amp.errors import StoreUnavailable
from amp.ports.asset_store import Outcome, Verdict
from amp.ports.claims import Claim
from amp.settings import load_settings
from tests.contract.asset_samples import attempt, creation, head, step, unique, write

pytestmark = pytest.mark.cluster

APPLIED = Outcome(Verdict.APPLIED)
Fate = Callable[[Callable[[], Answer]], Answer]


def timed_out() -> OperationTimedOut:
    return OperationTimedOut(errors={}, last_host=None)


def answered(send: Callable[[], Answer]) -> Answer:
    return send()


def lost_after(send: Callable[[], Answer]) -> Answer:
    """The request is executed, its answer never comes."""
    send()
    return timed_out()


def lost_before(_send: Callable[[], Answer]) -> Answer:
    """The request never arrives."""
    return timed_out()


def executed_twice(send: Callable[[], Answer]) -> Answer:
    """The server loses sight of its own write and answers for its second try."""
    send()
    return send()


class LossySession(CassandraSession):
    """A session that does to its coming conditional requests, one by one, what the test wants, then works again."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.fates: list[Fate] = []
        self.before_serial_reads: Callable[[], None] = lambda: None
        self.after_serial_reads: Callable[[], None] = lambda: None
        self.reads_fail = False

    def run_many(self, requests: Sequence[Request], mode: Mode = Mode.PLAIN, window: int = 100) -> list[Answer]:
        if mode is Mode.SERIAL:
            self.before_serial_reads()
        if mode is not Mode.CONDITIONAL:
            found = [timed_out() for _ in requests] if self.reads_fail else super().run_many(requests, mode, window)
            if mode is Mode.SERIAL:
                self.after_serial_reads()
            return found
        answers = []
        for request in requests:
            fate = self.fates.pop(0) if self.fates else answered
            answers.append(fate(lambda request=request: super(LossySession, self).run_many([request], mode)[0]))
        return answers

    def run(
        self, cql: str, values: tuple[Any, ...] = (), mode: Mode = Mode.PLAIN, timeout_s: float | None = None
    ) -> Any:
        if mode is not Mode.CONDITIONAL:
            return super().run(cql, values, mode, timeout_s)
        answer = self.run_many([(cql, values)], mode)[0]
        if isinstance(answer, BaseException):
            raise StoreUnavailable from answer
        return answer


@pytest.fixture(scope="module")
def shared_session(cluster_settings: dict[str, str]) -> Iterator[LossySession]:
    settings = load_settings({name.removeprefix("AMP_").lower(): value for name, value in cluster_settings.items()})
    session = LossySession(settings)
    part = CassandraPart(session)
    part.migrate()
    yield session
    part.close()


@pytest.fixture
def session(shared_session: LossySession) -> LossySession:
    shared_session.fates = []
    shared_session.before_serial_reads = shared_session.after_serial_reads = lambda: None
    shared_session.reads_fail = False
    return shared_session


@pytest.fixture
def store(session: LossySession) -> CassandraAssetStore:
    return CassandraAssetStore(session)


@pytest.mark.parametrize("fate", [lost_after, lost_before, executed_twice])
def test_a_step_whose_answer_is_lost_is_made_once(
    session: LossySession, store: CassandraAssetStore, fate: Fate
) -> None:
    create = creation()
    session.fates = [fate]
    assert attempt(store, create) == APPLIED
    update = step(create.after)
    session.fates = [fate]
    assert attempt(store, update) == APPLIED
    assert head(store, create.after.id) == update.after
    assert store.version_page(create.after.id, None, 9) == [version_of(update.after), version_of(create.after)]


def test_a_lost_step_that_others_wrote_over_is_still_known_to_have_happened(
    session: LossySession, store: CassandraAssetStore
) -> None:
    (first,) = write(store, creation())
    ours = step(first, name="ours")
    theirs = step(ours.after, name="theirs")

    def overwritten(send: Callable[[], Answer]) -> Answer:
        send()
        write(store, theirs)
        return timed_out()

    session.fates = [overwritten]
    assert store.apply([ours]) == [APPLIED]
    assert head(store, first.id) == theirs.after


def test_a_step_that_never_arrived_is_refused_when_another_was_faster(
    session: LossySession, store: CassandraAssetStore
) -> None:
    (first,) = write(store, creation())
    theirs = step(first, name="theirs")

    def overtaken(_send: Callable[[], Answer]) -> Answer:
        write(store, theirs)
        return timed_out()

    session.fates = [overtaken]
    assert attempt(store, step(first, name="ours")) == Outcome(Verdict.REFUSED, theirs.after)
    assert head(store, first.id) == theirs.after


@pytest.mark.parametrize("moment", ["before_serial_reads", "after_serial_reads"])
def test_a_step_that_arrives_while_it_is_looked_for_is_applied(
    session: LossySession, store: CassandraAssetStore, moment: str
) -> None:
    (first,) = write(store, creation())
    ours = step(first, name="ours")
    theirs = step(ours.after, name="theirs")
    held: list[Callable[[], Answer]] = []

    def hold(send: Callable[[], Answer]) -> Answer:
        held.append(send)
        return timed_out()

    def deliver() -> None:
        while held:
            held.pop()()
            write(store, theirs)

    session.fates = [hold]
    setattr(session, moment, deliver)
    assert attempt(store, ours) == APPLIED
    assert head(store, first.id) == theirs.after


def test_a_step_that_arrives_late_after_it_was_sent_again_happens_once(
    session: LossySession, store: CassandraAssetStore
) -> None:
    (first,) = write(store, creation())
    ours = step(first, name="ours")
    held: list[Callable[[], Answer]] = []

    def hold(send: Callable[[], Answer]) -> Answer:
        held.append(send)
        return timed_out()

    session.fates = [hold]
    assert attempt(store, ours) == APPLIED
    (late,) = held
    late()
    assert head(store, first.id) == ours.after
    assert [version.version for version in store.version_page(first.id, None, 9)] == [2, 1]


def test_a_step_nobody_can_tell_anything_about_is_unknown(session: LossySession, store: CassandraAssetStore) -> None:
    (first, second) = write(store, creation(), creation())
    session.fates = [lost_after, lost_before] * 4
    session.reads_fail = True
    assert store.apply([step(first), step(second)]) == [Outcome(Verdict.UNKNOWN)] * 2


def test_a_step_that_is_lost_again_and_again_is_unknown_not_refused(
    session: LossySession, store: CassandraAssetStore
) -> None:
    (first,) = write(store, creation())
    session.fates = [lost_before] * 100
    assert attempt(store, step(first)) == Outcome(Verdict.UNKNOWN)


def test_random_losses_among_rivals_never_make_the_outcome_a_lie(
    session: LossySession, store: CassandraAssetStore
) -> None:
    rng = random.Random(7)
    firsts = write(store, *[creation() for _ in range(60)])
    changes = [step(asset, name="ours") for asset in firsts]
    rivals = {asset.id: step(asset, name="theirs") for asset in firsts if rng.random() < 0.5}
    for rival in rivals.values():
        if rng.random() < 0.5:
            write(store, rival)
    session.fates = [rng.choice([answered, lost_after, lost_before, executed_twice]) for _ in range(90)]

    outcomes = store.apply(changes)

    for change, outcome in zip(changes, outcomes, strict=True):
        happened = version_of(change.after) in store.version_page(change.after.id, None, 9)
        assert outcome.verdict is (Verdict.APPLIED if happened else Verdict.REFUSED)


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
def test_a_map_whose_answer_is_lost_is_replaced_once(
    fresh_cluster_settings: dict[str, str], session: LossySession, fate: Fate
) -> None:
    fresh = LossySession(session.settings.model_copy(update=_keyspace(fresh_cluster_settings)))
    part = CassandraPart(fresh)
    part.migrate()
    buckets = CassandraBucketRegistry(fresh)
    first = first_map("amp")
    fresh.fates = [fate]
    assert buckets.replace(first, expected_generation=0)
    fresh.fates = [fate]
    assert not buckets.replace(dataclasses.replace(first, generation=3), expected_generation=2)
    assert buckets.load() == first

    def superseded(send: Callable[[], Answer]) -> Answer:
        send()
        assert buckets.replace(dataclasses.replace(first, generation=3), expected_generation=2)
        return timed_out()

    fresh.fates = [superseded]
    assert buckets.replace(dataclasses.replace(first, generation=2), expected_generation=1)
    part.close()


def _keyspace(variables: dict[str, str]) -> dict[str, str]:
    return {"cassandra_keyspace": variables["AMP_CASSANDRA_KEYSPACE"]}


@pytest.mark.parametrize("fate", [lost_after, lost_before, executed_twice])
def test_a_shared_value_whose_answer_is_lost_is_put_once(session: LossySession, fate: Fate) -> None:
    shared = CassandraSharedValues(session)
    name = unique("name")
    session.fates = [fate]
    assert shared.get_or_put(name, b"first") == b"first"
    assert shared.get_or_put(name, b"second") == b"first"
