"""Conditional writes whose answers get lost: no error for one that happened, no success for one that did not."""

import random
from collections.abc import Callable, Iterator

import pytest

from amp.adapters.cassandra.asset_store import CassandraAssetStore
from amp.adapters.cassandra.session import RowsOrError
from amp.domain.assets import version_of
from amp.ports.asset_store import CommitResult, CommitStatus
from tests.contract.cassandra.lossy_session import (
    Fate,
    LossySession,
    answered,
    executed_twice,
    lossy_session,
    lost_after,
    lost_before,
    timed_out,
)
from tests.support.asset_samples import attempt, creation, head, step, write

pytestmark = pytest.mark.cluster

APPLIED = CommitResult(CommitStatus.APPLIED)


@pytest.fixture(scope="module")
def shared_session(cluster_settings: dict[str, str]) -> Iterator[LossySession]:
    with lossy_session(cluster_settings) as session:
        yield session


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


def test_a_lost_step_that_others_overwrote_is_known_to_have_happened(
    session: LossySession, store: CassandraAssetStore
) -> None:
    (first,) = write(store, creation())
    ours = step(first, name="ours")
    theirs = step(ours.after, name="theirs")

    def overwritten(send: Callable[[], RowsOrError]) -> RowsOrError:
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

    def overtaken(_send: Callable[[], RowsOrError]) -> RowsOrError:
        write(store, theirs)
        return timed_out()

    session.fates = [overtaken]
    assert attempt(store, step(first, name="ours")) == CommitResult(CommitStatus.REFUSED, theirs.after)
    assert head(store, first.id) == theirs.after


@pytest.mark.parametrize("moment", ["before_serial_reads", "after_serial_reads"])
def test_a_step_that_arrives_while_it_is_looked_for_is_applied(
    session: LossySession, store: CassandraAssetStore, moment: str
) -> None:
    (first,) = write(store, creation())
    ours = step(first, name="ours")
    theirs = step(ours.after, name="theirs")
    held: list[Callable[[], RowsOrError]] = []

    def hold(send: Callable[[], RowsOrError]) -> RowsOrError:
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
    held: list[Callable[[], RowsOrError]] = []

    def hold(send: Callable[[], RowsOrError]) -> RowsOrError:
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
    assert store.apply([step(first), step(second)]) == [CommitResult(CommitStatus.UNKNOWN)] * 2


def test_a_step_that_is_lost_again_and_again_is_unknown_not_refused(
    session: LossySession, store: CassandraAssetStore
) -> None:
    (first,) = write(store, creation())
    session.fates = [lost_before] * 100
    assert attempt(store, step(first)) == CommitResult(CommitStatus.UNKNOWN)


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
        assert outcome.status is (CommitStatus.APPLIED if happened else CommitStatus.REFUSED)
