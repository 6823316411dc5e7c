"""The contract of a part, for the store of every profile."""

from functools import partial

import pytest

from amp.errors import NotMigrated
from amp.profiles import Adapters
from tests.contract.conftest import store_part
from tests.support.asset_samples import at_once, creation, head, intent_for, unique, write


def test_the_part_is_the_store(store_profile: Adapters) -> None:
    assert store_part(store_profile).name == "store"


def test_a_ping_says_in_a_few_words_what_answers(store_profile: Adapters) -> None:
    answer = store_part(store_profile).ping()
    assert 0 < len(answer) < 200
    assert "\n" not in answer


def test_migrating_does_what_was_pending_and_then_nothing_is(unmade_store_profile: Adapters) -> None:
    part = store_part(unmade_store_profile)
    pending = part.pending()
    assert pending
    assert part.pending() == pending, "telling what is pending must not do it"

    done = part.migrate()

    assert len(done) == len(pending)
    assert part.pending() == []
    assert part.migrate() == []


def test_migrating_twice_at_once_does_everything_once(unmade_store_profile: Adapters) -> None:
    part = store_part(unmade_store_profile)
    pending = part.pending()
    runs = at_once([part.migrate] * 3)
    assert part.pending() == []
    assert sum(len(done) for done in runs) == len(pending)
    (asset,) = write(unmade_store_profile.store, creation())
    assert head(unmade_store_profile.store, asset.id) == asset


def test_using_a_store_that_was_not_migrated_says_so(unmade_store_profile: Adapters) -> None:
    change = creation()
    store = unmade_store_profile
    uses = [
        partial(store.store.prepare, [(change, intent_for(change))]),
        partial(store.store.apply, [change]),
        partial(store.store.heads, [change.after.id]),
        partial(store.listing.page, type_name="movie", project=None, position=None, limit=1),
        partial(store.intents.due, 0, 1),
        partial(store.claims.holders, [("scope", "key")]),
        partial(store.types.newest),
        partial(store.buckets.load),
        partial(store.shared.get_or_put, unique(), b"value"),
    ]
    for use in uses:
        with pytest.raises(NotMigrated):
            use()


def test_a_store_used_too_early_works_once_it_is_migrated(unmade_store_profile: Adapters) -> None:
    with pytest.raises(NotMigrated):
        unmade_store_profile.buckets.load()
    store_part(unmade_store_profile).migrate()
    assert unmade_store_profile.buckets.load() is None
