"""The contract of the asset store, over every adapter."""

import dataclasses
import uuid
from functools import partial

import pytest

from amp.domain.assets import Asset, Change, ChangeKind, State, version_of
from amp.ports.asset_store import AssetStore, CommitResult, CommitStatus
from amp.profiles import Adapters
from tests.support.asset_samples import (
    at_once,
    attempt,
    creation,
    head,
    id_version_1,
    id_version_6,
    intent_for,
    new_asset,
    now_ms,
    step,
    unique,
    write,
)

CLIENTS = 32


@pytest.fixture
def store(store_profile: Adapters) -> AssetStore:
    return store_profile.store


def test_a_created_asset_is_read_back_whole(store: AssetStore) -> None:
    full = creation(
        type=unique("type"),
        type_version=3,
        project=unique("project"),
        external_id="ext 1 / ü",
        name="Ünï “quoted” 日本 \U0001f3ac \n tab\t",
        metadata={
            "long": 42323243,
            "least": -(2**63),
            "most": 2**63 - 1,
            "past53": 2**53 + 1,
            "double": 5.0,
            "zero": 0.0,
            "tiny": 5e-324,
            "third": 1 / 3,
            "large": 1.7976931348623157e308,
            "yes": True,
            "no": False,
            "text": "it's ' \" \\ \u2028",
            "empty": "",
            "longs": (1, 2, 3),
            "doubles": (1.0, 2.5),
            "strings": ("b", "a", "b"),
            "none": (),
            "at": "2026-11-21T12:00:00.000Z",
        },
        labels=("a", "b", "ü"),
        created_by="ann",
        updated_by="bob",
    )
    write(store, full)

    found = head(store, full.after.id)

    assert found == full.after
    assert _kinds(found) == _kinds(full.after)


def _kinds(asset: Asset | None) -> dict[str, object]:
    """The Python types of the values: 5 == 5.0 == True would hide a change of them."""
    assert asset is not None
    return {
        k: [type(v) for v in value] if isinstance(value, tuple) else type(value) for k, value in asset.metadata.items()
    }


@pytest.mark.parametrize("make_id", [id_version_1, id_version_6])
def test_an_asset_may_have_any_kind_of_time_uuid(store: AssetStore, make_id: object) -> None:
    assert callable(make_id)
    (asset,) = write(store, creation(id=make_id(now_ms())))
    assert head(store, asset.id) == asset


def test_an_asset_without_metadata_labels_and_name_is_read_back(store: AssetStore) -> None:
    (asset,) = write(store, creation(name="", metadata={}, labels=()))
    assert head(store, asset.id) == asset


def test_an_asset_of_a_mebibyte_is_read_back(store: AssetStore) -> None:
    texts = {f"text{i}": "ü" * 16_000 for i in range(32)}
    (asset,) = write(store, creation(metadata=texts))
    assert head(store, asset.id) == asset


def test_nothing_to_do_is_done_at_once(store: AssetStore) -> None:
    store.prepare([])
    assert store.apply([]) == []
    assert store.heads([]) == {}
    assert store.heads([], settle=True) == {}
    assert store.versions({}) == {}
    assert store.versions({uuid.uuid4(): []}) == {}


def test_preparing_alone_makes_no_asset_and_may_be_repeated(store: AssetStore) -> None:
    change = creation()
    pair = (change, intent_for(change))
    store.prepare([pair])
    store.prepare([pair, pair])
    assert head(store, change.after.id) is None
    assert store.apply([change]) == [CommitResult(CommitStatus.APPLIED)]


def test_an_update_makes_the_next_version_and_keeps_the_one_before(store: AssetStore) -> None:
    (first,) = write(store, creation(metadata={"n": 1}))
    (second,) = write(
        store, step(first, name="another name", metadata={"n": 2, "m": (0.5,)}, labels=("x",), type_version=2)
    )

    assert head(store, first.id) == second
    assert store.versions({first.id: [1, 2, 3]}) == {
        (first.id, 1): version_of(first),
        (first.id, 2): version_of(second),
    }


def test_a_change_of_labels_makes_a_revision_of_the_same_version(store: AssetStore) -> None:
    (first,) = write(store, creation())
    (labelled,) = write(store, step(first, ChangeKind.LABELLED, labels=("new",)))

    assert (labelled.version, labelled.revision) == (1, 2)
    assert head(store, first.id) == labelled
    assert store.versions({first.id: [1, 2]}) == {(first.id, 1): version_of(first)}


def test_deleting_and_restoring_keep_the_content(store: AssetStore) -> None:
    (first,) = write(store, creation())
    (deleted,) = write(store, step(first, ChangeKind.DELETED, state=State.DELETED))
    assert head(store, first.id) == deleted
    assert deleted.all_revision == 2

    (restored,) = write(store, step(deleted, ChangeKind.RESTORED, state=State.ACTIVE))
    assert head(store, first.id) == restored
    assert restored.all_revision == 3
    assert restored.metadata == first.metadata


def test_a_stale_revision_is_refused_with_the_head_and_changes_nothing(store: AssetStore) -> None:
    (first,) = write(store, creation())
    (second,) = write(store, step(first, name="second"))

    outcome = attempt(store, step(first, name="too late"))

    assert outcome == CommitResult(CommitStatus.REFUSED, second)
    assert head(store, first.id) == second
    assert store.versions({first.id: [2, 3]}) == {(first.id, 2): version_of(second)}


def test_creating_an_asset_that_exists_is_refused_with_its_head(store: AssetStore) -> None:
    (first,) = write(store, creation())
    assert attempt(store, creation(id=first.id, name="twin")) == CommitResult(CommitStatus.REFUSED, first)
    assert head(store, first.id) == first


def test_changing_an_asset_that_is_not_there_is_refused_without_a_head(store: AssetStore) -> None:
    never_written = new_asset()
    assert attempt(store, step(never_written)) == CommitResult(CommitStatus.REFUSED, None)
    assert head(store, never_written.id) is None
    assert store.versions({never_written.id: [1, 2]}) == {}


def test_a_change_ahead_of_the_head_is_refused(store: AssetStore) -> None:
    (first,) = write(store, creation())
    ahead = dataclasses.replace(first, revision=5)
    assert attempt(store, step(ahead)) == CommitResult(CommitStatus.REFUSED, first)


def test_one_call_gives_each_asset_its_own_fate_in_order(store: AssetStore) -> None:
    known = write(store, *[creation() for _ in range(20)])
    updated = write(store, *[step(asset) for asset in known[:10]])
    stale = [step(asset, name="stale") for asset in known[:10]]
    timely = [step(asset, name="timely") for asset in known[10:]]
    fresh = [creation() for _ in range(10)]
    changes = [change for three in zip(stale, timely, fresh, strict=True) for change in three]
    store.prepare([(change, intent_for(change)) for change in changes])

    outcomes = store.apply(changes)

    assert outcomes[0::3] == [CommitResult(CommitStatus.REFUSED, asset) for asset in updated]
    assert outcomes[1::3] == outcomes[2::3] == [CommitResult(CommitStatus.APPLIED)] * 10


def test_of_several_changes_of_one_asset_in_one_call_one_is_applied(store: AssetStore) -> None:
    asset_id = creation().after.id
    rivals = [creation(id=asset_id, name=name) for name in ("one", "two", "three")]
    store.prepare([(change, intent_for(change)) for change in rivals])
    outcomes = store.apply(rivals)
    found = head(store, asset_id)
    assert [outcome.status for outcome in outcomes].count(CommitStatus.APPLIED) == 1
    assert [change.after for change, o in zip(rivals, outcomes, strict=True) if o.status is CommitStatus.APPLIED] == [
        found
    ]
    assert [o.head for o in outcomes if o.status is CommitStatus.REFUSED] == [found, found]
    twice = step(rivals[0].after if found is None else found)
    assert store.apply([twice, twice]) == [CommitResult(CommitStatus.APPLIED)] * 2
    assert head(store, asset_id) == twice.after


def test_a_repeated_change_is_applied_once(store: AssetStore) -> None:
    create = creation()
    write(store, create)
    update = step(create.after)
    write(store, update)

    assert store.apply([create]) == [CommitResult(CommitStatus.APPLIED)]
    assert store.apply([update]) == [CommitResult(CommitStatus.APPLIED)]
    assert head(store, create.after.id) == update.after


def test_a_known_change_id_is_not_applied_again_on_a_later_head(store: AssetStore) -> None:
    """A job's event delivered twice: its second change is computed from a head that has it already."""
    (first,) = write(store, creation())
    job_change = uuid.uuid5(uuid.uuid4(), str(first.id))
    (second,) = write(store, step(first, name="by the job", change_id=job_change))
    (third,) = write(store, step(second, name="by someone else"))

    assert attempt(store, step(third, name="by the job", change_id=job_change)) == CommitResult(CommitStatus.APPLIED)

    assert head(store, first.id) == third
    assert store.versions({first.id: [4]}) == {}


def test_one_change_id_on_two_assets_is_two_changes(store: AssetStore) -> None:
    shared = uuid.uuid4()
    one, two = write(store, creation(change_id=shared), creation(change_id=shared))
    assert store.heads([one.id, two.id]) == {one.id: one, two.id: two}


def test_a_dropped_version_goes_with_the_change_that_drops_it(store: AssetStore) -> None:
    (first,) = write(store, creation())
    (second,) = write(store, step(first))
    refused = attempt(store, step(first, dropped=1))
    assert refused.status is CommitStatus.REFUSED
    assert [v.version for v in store.version_page(first.id, None, 10)] == [2, 1]

    (third,) = write(store, step(second, dropped=1))
    assert [v.version for v in store.version_page(first.id, None, 10)] == [3, 2]
    assert head(store, first.id) == third


def test_of_many_creators_of_one_asset_one_wins_and_others_see_its_head(store: AssetStore) -> None:
    asset_id = new_asset().id
    changes = [creation(id=asset_id, name=f"client {i}") for i in range(CLIENTS)]

    outcomes = at_once([partial(attempt, store, change) for change in changes])

    winners = [
        change.after
        for change, outcome in zip(changes, outcomes, strict=True)
        if outcome.status is CommitStatus.APPLIED
    ]
    assert len(winners) == 1
    assert head(store, asset_id) == winners[0]
    refused = [outcome for outcome in outcomes if outcome.status is CommitStatus.REFUSED]
    assert [outcome.head for outcome in refused] == winners * len(refused)
    assert all(outcome.status is not CommitStatus.UNKNOWN for outcome in outcomes)


def test_updates_by_many_clients_lose_no_revision_and_leave_no_gap(store: AssetStore) -> None:
    (first,) = write(store, creation())
    rounds = 2

    def update(client: int) -> list[Change]:
        done: list[Change] = []
        while len(done) < rounds:
            current = head(store, first.id)
            assert current is not None
            change = step(current, name=f"client {client} change {len(done)}")
            if attempt(store, change).status is CommitStatus.APPLIED:
                done.append(change)
        return done

    done = [change for changes in at_once([partial(update, i) for i in range(CLIENTS)]) for change in changes]

    total = 1 + CLIENTS * rounds
    by_revision = {change.after.revision: change.after for change in done}
    assert sorted(by_revision) == list(range(2, total + 1))
    assert head(store, first.id) == by_revision[total]
    history = store.version_page(first.id, None, total + 1)
    assert history == [version_of(by_revision[n]) for n in range(total, 1, -1)] + [version_of(first)]
