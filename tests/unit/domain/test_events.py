"""Events and the scope of the changes they tell of."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amp.domain.assets import Asset, Change, ChangeKind, Scope, State
from amp.domain.ids import mint_at
from amp.domain.messages import AssetChanged, JobItem, Message, message_from_json, message_json, message_of

HEAD = Asset(
    id=mint_at(1_700_000_000_000),
    type="movie",
    type_version=1,
    project="default",
    external_id=None,
    name="Alien",
    metadata={},
    labels=(),
    version=2,
    revision=3,
    state=State.ACTIVE,
    created_by="ripley",
    updated_ms=1_700_000_000_000,
    updated_by="ripley",
    all_revision=1,
    change_id=uuid4(),
)

events = st.builds(
    AssetChanged,
    asset_id=st.uuids(),
    version=st.integers(1, 10_000),
    revision=st.integers(1, 10_000),
    scope=st.sampled_from(Scope),
    change_id=st.uuids(),
)

job_events = st.builds(
    JobItem,
    job_id=st.uuids(),
    chunk=st.integers(0, 1 << 31),
    asset_id=st.uuids(),
    replayed=st.booleans(),
)


def step(kind: ChangeKind, before: Asset | None = HEAD, **fields: Any) -> Change:
    after = replace(HEAD, revision=before.revision + 1 if before else 1, change_id=uuid4(), **fields)
    return Change(kind=kind, before=before, after=after)


def test_an_event_names_the_asset_after_the_change() -> None:
    change = step(ChangeKind.UPDATED, version=3)
    assert message_of(change) == AssetChanged(
        asset_id=HEAD.id, version=3, revision=4, scope=Scope.HEAD, change_id=change.after.change_id
    )


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        (ChangeKind.UPDATED, Scope.HEAD),
        (ChangeKind.LABELLED, Scope.HEAD),
        (ChangeKind.DELETED, Scope.ALL),
        (ChangeKind.RESTORED, Scope.ALL),
        (ChangeKind.PURGED, Scope.ALL),
    ],
)
def test_a_change_of_state_concerns_all_documents(kind: ChangeKind, scope: Scope) -> None:
    assert step(kind).scope is scope


def test_a_creation_concerns_all_documents_only_over_a_purged_asset() -> None:
    assert step(ChangeKind.CREATED, before=None).scope is Scope.HEAD
    assert step(ChangeKind.CREATED, before=replace(HEAD, state=State.PURGED)).scope is Scope.ALL


def test_content_makes_a_new_version_and_labels_do_not() -> None:
    assert step(ChangeKind.CREATED, before=None).new_version
    assert step(ChangeKind.UPDATED, version=3).new_version
    assert not step(ChangeKind.LABELLED, labels=("a",)).new_version


def test_a_creation_over_a_purged_asset_makes_a_new_version() -> None:
    purged = replace(HEAD, version=1, state=State.PURGED)
    assert step(ChangeKind.CREATED, before=purged, version=1).new_version


@given(events | job_events)
def test_a_message_survives_its_json_form(message: Message) -> None:
    assert message_from_json(json.loads(json.dumps(message_json(message)))) == message


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=36),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


MESSAGES = [message_of(step(ChangeKind.UPDATED)), JobItem(job_id=uuid4(), chunk=1, asset_id=uuid4())]
spoiled = st.one_of(st.fixed_dictionaries(dict.fromkeys(message_json(message), json_values)) for message in MESSAGES)


@given(json_values | spoiled)
def test_no_json_breaks_the_reader_of_messages(data: Any) -> None:
    try:
        message = message_from_json(data)
    except (ValueError, KeyError, TypeError):
        return
    assert isinstance(message.asset_id, UUID)
